import type { Tongue } from './words.svelte'

/** lengthOf writes how long something took, of seconds: in seconds, minutes, or hours and minutes. */
export function lengthOf(seconds: number, tongue: Pick<Tongue, 'words' | 'integer'>): string {
  const { words: w, integer } = tongue
  if (seconds < 100) return w.seconds(integer(Math.round(seconds)))
  const minutes = Math.round(seconds / 60)
  if (minutes < 100) return w.minutes(integer(minutes))
  return w.hours(integer(Math.floor(minutes / 60)), integer(minutes % 60))
}
