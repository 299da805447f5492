import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { readWorkerOutput } from './worker-output.ts'

// In the words of miniflare, which wrangler runs.
const crashed =
  '\u001b[33m[wrangler:warn]\u001b[0m The Workers runtime crashed unexpectedly and is being restarted (crash #1).'

test('a runtime that crashed is told of, though wrangler starts another', async () => {
  const stream = new PassThrough()
  const onCrash = vi.fn()
  readWorkerOutput([stream], () => {}, onCrash)
  stream.write('[wrangler:info] GET / 200 OK (5ms)\nan error of the Worker: runtime is not happy\n')
  stream.write(`${crashed}\n`)
  await vi.waitFor(() => expect(onCrash).toHaveBeenCalledTimes(1))
})
