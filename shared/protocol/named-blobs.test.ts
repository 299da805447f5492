import { expect, test } from 'vitest'
import { namedBlobs } from './named-blobs.ts'

const [first, second] = ['a'.repeat(64), 'b'.repeat(64)]
const overlay = { added: [], removed: [] }
const segment = (key: string, config: unknown) => `segment\t${key}\t${JSON.stringify(config)}`
const withBlob = (key: string, hash: string, count = 5) =>
  segment(key, { attribute: 'id', include: [], exclude: [], members: { hash, count, ...overlay } })

test('the blobs of all segments are named, each once', () => {
  const lines = [withBlob('a', first), segment('b', { attribute: 'id' }), withBlob('c', second, 9)]
  const body = ['flag\tx\t{}', 'layer\ty\t{}', ...lines, withBlob('d', first)].join('\n')
  const expected = [
    { hash: first, count: 5 },
    { hash: second, count: 9 },
  ]
  expect(namedBlobs(body)).toEqual(expected)
  expect(namedBlobs([...lines].join('\n'))).toEqual(expected)
})

test('a body without large segments names none', () => {
  const talk = 'flag\ta\t{"value":"\\nsegment\\t \\"members\\":"}'
  for (const body of ['', talk, `${talk}\n${segment('s', { include: ['"members":'] })}`])
    expect(namedBlobs(body)).toEqual([])
})

test('a line that names no blob as it should names none, and takes no other along', () => {
  const wrong = [
    'segment\ta\t{"members":',
    'segment\ta\tnull "members":',
    segment('a', { members: { hash: 5, count: 1 } }),
    segment('a', { members: { hash: first.toUpperCase(), count: 1 } }),
    segment('a', { members: { hash: first, count: -1 } }),
    segment('a', { members: { hash: first, count: 1.5 } }),
    segment('a', { members: { hash: first } }),
    segment('a', { members: null }),
  ]
  for (const line of wrong)
    expect(namedBlobs(`${line}\n${withBlob('z', second)}`)).toEqual([{ hash: second, count: 5 }])
})
