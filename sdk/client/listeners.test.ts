import { expect, test } from 'vitest'
import { makeListeners } from './listeners.ts'

function makeWorld() {
  const errors: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (what: string) => errors.push(what) }
  return { errors, listeners: makeListeners<number>('change', logger) }
}

test('a listener that leaves and comes again while it is told is told once', () => {
  const { listeners } = makeWorld()
  const heard: number[] = []
  const listener = (what: number) => {
    if (heard.push(what) > 10) throw new Error('told for ever')
    stop()
    stop = listeners.on(listener)
  }
  let stop = listeners.on(listener)
  listeners.tell(1)
  expect(heard).toEqual([1])
  listeners.tell(2)
  expect(heard).toEqual([1, 2])
})

test('a listener that another one removes is not told any more', () => {
  const { listeners } = makeWorld()
  const heard: number[] = []
  listeners.on(() => stop())
  const stop = listeners.on((what) => heard.push(what))
  listeners.tell(1)
  expect(heard).toEqual([])
})

test('whatever a listener throws is logged', () => {
  const { listeners, errors } = makeWorld()
  listeners.on(() => {
    throw Object.create(null)
  })
  listeners.tell(1)
  expect(errors).toEqual(['a listener of "change" failed: something that cannot be told'])
})
