import type { Words } from './words.svelte'

/** flagSentence says in words why a minute's quality is low; a flag that is not known keeps its name. */
export function flagSentence(flag: string, w: Words): string {
  switch (flag) {
    case 'gaps':
      return w.flagGaps
    case 'slow':
      return w.flagSlow
    case 'clock':
      return w.flagClock
    case 'dense':
      return w.flagDense
    case 'night':
      return w.flagNight
    case 'rain':
      return w.flagRain
    case 'low_detail':
      return w.flagLowDetail
    case 'moved':
      return w.flagMoved
    case 'dark':
      return w.flagDark
    case 'blurred':
      return w.flagBlurred
    case 'covered':
      return w.flagCovered
    case 'frozen':
      return w.flagFrozen
  }
  return flag
}
