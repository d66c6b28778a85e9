// Takes two pictures of the page, four seconds apart: OUT.png and OUT-2.png.
//
//   node test/shot.mjs URL OUT.png [SIGN-IN-LINK]

import { listen, open } from './browser.mjs'

const [url, out, link] = process.argv.slice(2)
if (!url || !out) {
  console.error('usage: node test/shot.mjs URL OUT.png [SIGN-IN-LINK]')
  process.exit(2)
}
const theme = process.env.THEME === 'light' ? 'light' : 'dark'
const browser = await open({ colorScheme: theme, deviceScaleFactor: 1, viewport: { width: 1600, height: 1000 } })
try {
  const page = await browser.context.newPage()
  const errors = listen(page)
  await page.addInitScript(() => {
    globalThis.draws = 0
    addEventListener('pantau:draw', () => globalThis.draws++, true)
  })
  if (link) await page.goto(link)
  await page.goto(url)
  await page.waitForFunction(() => globalThis.draws > 30, null, { timeout: 30_000 })
  await page.screenshot({ path: out })
  await page.waitForTimeout(4000)
  await page.screenshot({ path: out.replace(/\.png$/, '-2.png') })
  for (const e of errors) console.error(e)
} finally {
  await browser.close()
}
