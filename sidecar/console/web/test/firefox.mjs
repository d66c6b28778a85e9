// Debian's Firefox ESR, headless, with an empty profile, over WebDriver BiDi
// (https://w3c.github.io/webdriver-bidi/): as much of Playwright's page as
// exact.mjs uses. Playwright itself drives only a Firefox of its own.

import { spawn } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './websocket.mjs'

const path = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
const preferences = {
  'app.update.enabled': false, 'browser.shell.checkDefaultBrowser': false, 'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false, 'media.gmp-manager.updateEnabled': false,
}

/** open starts the browser and gives { context, close }; null where there is none. */
export async function open() {
  if (!(await access(path).then(() => true, () => false))) return null
  const profile = await mkdtemp(join(tmpdir(), 'pantau-firefox-'))
  await writeFile(join(profile, 'user.js'),
    Object.entries(preferences).map(([k, v]) => `user_pref("${k}", ${JSON.stringify(v)});\n`).join(''))
  const port = await freePort()
  const browser = spawn(path, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', String(port)],
    { stdio: 'ignore', env: { ...process.env, MOZ_HEADLESS_WIDTH: '1440', MOZ_HEADLESS_HEIGHT: '900' } })
  const ended = new Promise((resolve) => browser.on('exit', resolve))
  process.on('exit', () => browser.kill('SIGKILL'))
  const session = await connect(port, browser)
  await session.call('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } })
  await session.call('session.subscribe', { events: ['log.entryAdded'] })
  return {
    context: { newPage: () => newPage(session) },
    async close() {
      await session.call('browser.close', {}).catch(() => browser.kill())
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// The port is open some seconds after the start.
async function connect(port, browser) {
  for (let i = 0; i < 300 && browser.exitCode === null; i++) {
    const client = await Client.open('127.0.0.1', port, '/session').catch(() => null)
    if (client) return new Session(client)
    await sleep(100)
  }
  browser.kill()
  throw new Error('Firefox opens no port for WebDriver BiDi')
}

/** Session sends commands and hears events. */
class Session {
  listeners = []
  #client
  #id = 0
  #open = new Map()

  constructor(client) {
    this.#client = client
    client.message = (text) => this.#message(JSON.parse(text))
    client.ended = () => {
      for (const { method, reject } of this.#open.values()) reject(new Error(`Firefox has gone, and leaves ${method} unanswered`))
      this.#open.clear()
    }
  }

  call(method, params) {
    const id = ++this.#id
    return new Promise((resolve, reject) => {
      this.#open.set(id, { method, resolve, reject })
      this.#client.send(JSON.stringify({ id, method, params }))
    })
  }

  #message(m) {
    if (m.type === 'event') {
      for (const l of this.listeners) l(m)
      return
    }
    const { resolve, reject } = this.#open.get(m.id)
    this.#open.delete(m.id)
    if (m.type === 'success') resolve(m.result)
    else reject(new Error(`${m.error}: ${m.message}`))
  }
}

async function newPage(session) {
  const { context } = await session.call('browsingContext.create', { type: 'tab' })
  await session.call('browsingContext.setViewport', { context, viewport: { width: 1440, height: 900 } })
  const evaluate = async (f, value) => {
    const expression = `JSON.stringify((${f})(${JSON.stringify(value)}))`
    const answer = await session.call('script.evaluate', { expression, target: { context }, awaitPromise: true })
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text)
    return answer.result.value === undefined ? undefined : JSON.parse(answer.result.value)
  }
  return {
    evaluate,
    goto: (url) => session.call('browsingContext.navigate', { context, url, wait: 'complete' }),
    addInitScript: (f, value) => session.call('script.addPreloadScript',
      { functionDeclaration: `() => (${f})(${JSON.stringify(value)})`, contexts: [context] }),
    async waitForFunction(f, value, { timeout }) {
      const end = performance.now() + timeout
      while (!(await evaluate(f, value))) {
        if (performance.now() > end) throw new Error(`not true within ${timeout} ms: ${f}`)
        await sleep(100)
      }
    },
    async screenshot({ path: file }) {
      const { data } = await session.call('browsingContext.captureScreenshot', { context })
      await writeFile(file, Buffer.from(data, 'base64'))
    },
    on(event, listener) {
      if (event !== 'console') return
      session.listeners.push((m) => {
        const { level, text, source } = m.params
        if (source.context === context && (level === 'error' || level === 'warn')) listener({ type: () => 'error', text: () => text })
      })
    },
    close: () => session.call('browsingContext.close', { context }),
  }
}
