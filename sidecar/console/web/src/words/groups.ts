import type { Words } from './words.svelte'

/** ofWord is the word for a direction or a group of classes, as audits have them. */
export function ofWord(of: string, w: Words): string {
  switch (of) {
    case 'in':
      return w.in
    case 'out':
      return w.out
    case 'entries':
      return w.entries
    case 'exits':
      return w.exits
    case 'presence':
      return w.auditPresence
    case 'heads':
      return w.heads
    case 'occupancy':
      return w.occupied
    case 'people':
      return w.groupPeople
    case 'two-wheelers':
      return w.groupTwoWheelers
    case 'vehicles':
      return w.groupVehicles
  }
  return of
}
