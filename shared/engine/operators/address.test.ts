import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInNetwork, makeAddress, parseNetwork, readAddress } from './address.ts'

test.each([
  ['0.0.0.0', 4, '0:0:0:0:0:0:0:0'],
  ['192.0.2.33', 4, '0:0:0:0:0:0:c000:221'],
  ['255.255.255.255', 4, '0:0:0:0:0:0:ffff:ffff'],
  ['::', 6, '0:0:0:0:0:0:0:0'],
  ['::1', 6, '0:0:0:0:0:0:0:1'],
  ['1::', 6, '1:0:0:0:0:0:0:0'],
  ['2001:DB8:0:0:8:800:200C:417A', 6, '2001:db8:0:0:8:800:200c:417a'],
  ['2001:db8::8:800:200c:417a', 6, '2001:db8:0:0:8:800:200c:417a'],
  ['ff01::0101', 6, 'ff01:0:0:0:0:0:0:101'],
  ['1:2:3:4:5:6:7::', 6, '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', 6, '0:2:3:4:5:6:7:8'],
  ['1:2:3::5:6:7:8', 6, '1:2:3:0:5:6:7:8'],
  ['::13.1.68.3', 6, '0:0:0:0:0:0:d01:4403'],
  ['64:ff9b::192.0.2.33', 6, '64:ff9b:0:0:0:0:c000:221'],
  ['1:2:3:4:5:6:1.2.3.4', 6, '1:2:3:4:5:6:102:304'],
  ['::ffff:129.144.52.38', 4, '0:0:0:0:0:ffff:8190:3426'],
  ['::FFFF:8190:3426', 4, '0:0:0:0:0:ffff:8190:3426'],
  ['0:0:0:0:0:ffff:8190:3426', 4, '0:0:0:0:0:ffff:8190:3426'],
  ['::fffe:8190:3426', 6, '0:0:0:0:0:fffe:8190:3426'],
  ['1::ffff:8190:3426', 6, '1:0:0:0:0:ffff:8190:3426'],
] as const)('%s is an address of IPv%d: %s', (text, family, groups) => {
  const address = read(text)
  expect(address.family).toBe(family)
  expect(address.groups.map((group) => group.toString(16)).join(':')).toBe(groups)
})

test.each([
  '',
  ':',
  ':::',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.',
  '.1.2.3',
  '1..2.3',
  '1.2.3.256',
  '1.2.3.1000',
  '01.2.3.4',
  '1.2.3.00',
  '0x1.2.3.4',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1.2.3.-4',
  '1.2.3.4/32',
  '1,2,3,4',
  '１.2.3.4',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  '1::2::3',
  '1:::2',
  ':1::2',
  '1::2:',
  '12345::',
  '::00001',
  '::g',
  '[::1]',
  'fe80::1%eth0',
  'fe80::1%25eth0',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '1:2:3:4:5:6:7:1.2.3.4',
  '::1.2.3',
  '::01.2.3.4',
  '::1.2.3.4.',
])('"%s" is no address', (text) => {
  expect(read(text).family).toBe(0)
})

test('an address that is read again forgets what it was', () => {
  const address = read('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
  readAddress(address, '10.0.0.1')
  expect(address).toEqual(read('10.0.0.1'))
  readAddress(address, 'x')
  expect(address.family).toBe(0)
})

/** A network, addresses in it, addresses outside. */
test.each([
  ['10.0.0.0/8', '10.0.0.0 10.255.255.255 ::ffff:10.1.2.3', '9.255.255.255 11.0.0.0 a00::'],
  ['10.20.30.40/8', '10.0.0.0', '11.0.0.0'],
  ['172.16.0.0/12', '172.16.0.0 172.31.255.255', '172.15.255.255 172.32.0.0'],
  ['192.0.2.1/31', '192.0.2.0 192.0.2.1', '192.0.2.2'],
  ['192.0.2.1/32', '192.0.2.1', '192.0.2.0'],
  ['192.0.2.1', '192.0.2.1', '192.0.2.0 ::c000:201'],
  ['128.0.0.0/1', '255.0.0.0', '127.255.255.255'],
  ['0.0.0.0/0', '0.0.0.0 255.255.255.255 ::ffff:1.2.3.4', ':: ::1'],
  ['::/0', ':: ffff:: ::1.2.3.4', '1.2.3.4 ::ffff:1.2.3.4'],
  ['2001:db8::/32', '2001:db8:: 2001:db8:ffff::', '2001:db9:: 2001:db7:ffff::'],
  ['2001:db8::/33', '2001:db8:7fff::', '2001:db8:8000::'],
  ['2001:db8::1', '2001:db8::1', '2001:db8::'],
  ['2001:db8::1/128', '2001:db8::1', '2001:db8::2'],
  ['::ffff:10.0.0.0/104', '10.9.9.9', '11.0.0.0'],
  ['::ffff:10.0.0.0/96', '255.0.0.0', '::1'],
  ['::ffff:0:0/90', '::ffc0:0:0', '10.0.0.0 ::ffbf:0:0'],
])('%s holds %s, not %s', (text, inside, outside) => {
  const network = parseNetwork(text)
  if (network === null) throw new Error(`${text} is no network`)
  const isHeld = (list: string) => list.split(' ').filter((item) => isInNetwork(read(item), network))
  expect(isHeld(inside).join(' ')).toBe(inside)
  expect(isHeld(outside)).toEqual([])
})

test.each([
  '',
  '/8',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/ 8',
  '10.0.0.0/+8',
  '10.0.0.0/8/8',
  '10.0.0.0/1e1',
  '::/129',
  '::/-1',
  '10.0.0/8',
  'x/8',
])('"%s" is no network', (text) => {
  expect(parseNetwork(text)).toBeNull()
})

test('every address is in its own networks of any size, and a mapped one is its IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), fc.nat(32), fc.nat(128), (v4, v6, bits4, bits6) => {
      expect(read(`::ffff:${v4}`).groups.slice(6)).toEqual(read(v4).groups.slice(6))
      expect(isIn(`::ffff:${v4}`, `${v4}/${bits4}`)).toBe(true)
      if (read(v6).family === 6) expect(isIn(v6, `${v6}/${bits6}`)).toBe(true)
    }),
  )
})

test('a network holds those whose first bits are its own, and no others', () => {
  const word = fc.nat(0xffffffff)
  fc.assert(
    fc.property(word, fc.nat(31), fc.nat(32), (address, flipped, bits) => {
      // Bit 0 is the first.
      const other = (address ^ (1 << (31 - flipped))) >>> 0
      expect(isIn(dotted(other), `${dotted(address)}/${bits}`)).toBe(flipped >= bits)
    }),
  )
})

function dotted(word: number): string {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.')
}

function isIn(text: string, networkText: string): boolean {
  const network = parseNetwork(networkText)
  return network !== null && isInNetwork(read(text), network)
}

function read(text: string) {
  const address = makeAddress()
  readAddress(address, text)
  return address
}
