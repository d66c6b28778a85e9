import { expect, test } from 'vitest'
import { Sure } from './sure'

const thing = (id: string, conf: number) => ({ id, cls: 'person', conf, box: [0, 0, 1, 1] as const })

test('who was once seen surely stays so, who never was does not become so', () => {
  const sure = new Sure()
  for (const conf of [0.3, 0.49, 0.2]) sure.see([thing('cone', conf), thing('walker', conf)])
  sure.see([thing('walker', 0.5)])
  sure.see([thing('walker', 0.1)])
  expect([sure.has('cone'), sure.has('walker'), sure.has('nobody')]).toEqual([false, true, false])
})

test('it forgets the oldest of very many', () => {
  const sure = new Sure()
  for (let i = 0; i < 6000; i++) sure.see([thing(`${i}`, 0.9)])
  expect([sure.has('0'), sure.has('5999')]).toEqual([false, true])
})
