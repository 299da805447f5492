import { expect, test } from 'vitest'
import { makeEventPost } from './event-post.ts'

test.each([
  [202, 'taken'],
  [400, 'refused'],
  [413, 'refused'],
  [401, 'later'],
  [403, 'later'],
  [404, 'later'],
  [407, 'later'],
  [408, 'later'],
  [429, 'later'],
  [301, 'later'],
  [503, 'later'],
])('what becomes of a batch that is answered %i: %s', async (status, kind) => {
  const post = makeEventPost('https://flags.example.com', 'key', async () => new Response(null, { status }))
  expect(await post('{}')).toMatchObject({ kind })
})
