import type { Words } from './words.svelte'

/** stateName is the word for a camera's state. */
export function stateName(state: string, w: Words): string {
  switch (state) {
    case 'running':
      return w.stateRunning
    case 'connecting':
      return w.stateConnecting
    case 'retrying':
      return w.stateRetrying
    case 'faulty':
      return w.stateFaulty
    case 'stopped':
      return w.stateStopped
    case 'moved':
      return w.stateMoved
    case 'dark':
      return w.stateDark
    case 'blurred':
      return w.stateBlurred
    case 'covered':
      return w.stateCovered
    case 'frozen':
      return w.stateFrozen
  }
  return w.stateUnknown
}

/** stateSentence says what is wrong with a camera; empty while it runs. */
export function stateSentence(state: string, w: Words): string {
  switch (state) {
    case 'connecting':
      return w.cameraConnecting
    case 'retrying':
      return w.cameraRetrying
    case 'faulty':
      return w.cameraFaulty
    case 'stopped':
      return w.cameraStopped
    case 'moved':
      return w.cameraMoved
    case 'dark':
      return w.cameraDark
    case 'blurred':
      return w.cameraBlurred
    case 'covered':
      return w.cameraCovered
    case 'frozen':
      return w.cameraFrozen
  }
  return ''
}

/** suspended says whether pictures come, and show something else than the rules were drawn on. */
export function suspended(state: string): boolean {
  return ['moved', 'dark', 'blurred', 'covered', 'frozen'].includes(state)
}
