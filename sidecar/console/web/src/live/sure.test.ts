import { expect, test } from 'vitest'
import { Sure } from './sure'

const thing = (id: string, conf: number, x = 0) => ({ id, cls: 'person', conf, box: [x, 0, x + 0.1, 0.2] as const })

test('who moves is somebody and stays so; who stands is if it is seen surely on average', () => {
  const sure = new Sure()
  for (const i of [0, 1, 2, 3]) sure.see([thing('cone', i === 1 ? 0.6 : 0.3), thing('walker', 0.3, 0.04 * i), thing('guard', i === 1 ? 0.3 : 0.7)])
  expect(['cone', 'walker', 'guard', 'nobody'].map((id) => sure.has(id))).toEqual([false, true, true, false])
  for (let i = 0; i < 9; i++) sure.see([thing('walker', 0.2, 0.1)])
  expect(sure.has('walker')).toBe(true)
})

test('it forgets the oldest of very many', () => {
  const sure = new Sure()
  for (let i = 0; i < 6000; i++) sure.see([thing(`${i}`, 0.9)])
  expect([sure.has('0'), sure.has('5999')]).toEqual([false, true])
})
