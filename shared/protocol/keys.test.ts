import { expect, test } from 'vitest'
import { makeId } from './ids.ts'
import { checkValue, makeKey, parseKey } from './keys.ts'

const secret = 'check secret'

test.each(['server', 'client', 'management'] as const)(
  'a %s key names its class, its owner and the check value',
  async (keyClass) => {
    const owner = makeId(keyClass === 'management' ? 'key' : 'env')
    const publicId = owner.slice(4)
    expect(parseKey(await makeKey(keyClass, owner, secret))).toEqual({
      class: keyClass,
      publicId,
      check: await checkValue(publicId, secret),
    })
  },
)

test("a person's token is a management key too", async () => {
  const key = await makeKey('management', makeId('key'), secret)
  expect(parseKey(key.replace('hyd_svc_', 'hyd_pat_'))).toBeNull()
  const body = `hyd_pat_${'0'.repeat(31)}${'a'.repeat(30)}`
  expect(parseKey(body + base62Of(crc32(body)))).toMatchObject({ class: 'management' })
})

test('no key of this form: anything that was changed, cut or lengthened', async () => {
  const key = await makeKey('server', makeId('env'), secret)
  for (let i = 0; i < key.length; i++) {
    const other = key[i] === 'x' ? 'y' : 'x'
    expect(parseKey(key.slice(0, i) + other + key.slice(i + 1))).toBeNull()
    expect(parseKey(key.slice(0, i))).toBeNull()
  }
  for (const text of ['', `${key}0`, ` ${key}`, `${key}\n`, key.toUpperCase()])
    expect(parseKey(text)).toBeNull()
})

test('the CRC-32 is the usual one', () => {
  const body = `hyd_srv_${'0'.repeat(31)}${'a'.repeat(30)}`
  expect(parseKey(body + base62Of(crc32(body)))).not.toBeNull()
})

test('the check value depends on the secret and on the id', async () => {
  const id = makeId('env').slice(4)
  const value = await checkValue(id, secret)
  expect(value).toMatch(/^[0-9a-hjkmnp-tv-z]{5}$/)
  expect(await checkValue(id, secret)).toBe(value)
  const others = await Promise.all([checkValue(id, 'another'), checkValue(makeId('env').slice(4), secret)])
  expect(others).not.toContain(value)
})

test('keys are random: no two are the same, and every character is used', async () => {
  const owner = makeId('env')
  const keys = await Promise.all(Array.from({ length: 500 }, () => makeKey('client', owner, secret)))
  expect(new Set(keys).size).toBe(500)
  const secrets = keys.map((key) => key.slice(39, 69)).join('')
  expect(new Set(secrets).size).toBe(62)
})

/** CRC-32 bit by bit, as the standard words it. */
function crc32(text: string): number {
  let crc = ~0
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

function base62Of(value: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let text = ''
  for (let rest = value; text.length < 6; rest = Math.floor(rest / 62)) text = digits.charAt(rest % 62) + text
  return text
}
