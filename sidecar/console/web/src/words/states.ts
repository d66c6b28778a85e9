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
  }
  return ''
}
