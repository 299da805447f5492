/** Addresses and networks of the Internet, as text: IPv4 and IPv6 (RFC 4291, section 2.2). */
import { colon, dot, isDigit, letterCaseBit, zero } from './ascii.ts'

/**
 * An address that is read in place, again and again. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is its IPv4
 * address.
 */
export interface Address {
  /** 0: no address. */
  family: 0 | 4 | 6
  /** Eight groups of 16 bits for IPv6; for IPv4 the last two hold it. */
  readonly groups: number[]
}

/** The addresses whose first bits are those of `address`. */
export interface Network {
  readonly address: Address
  /** For IPv4 counted as in its mapped IPv6 address: 96 more than written. */
  readonly bits: number
}

const groupCount = 8
const mappedBits = 96
const smallA = 0x61

export function makeAddress(): Address {
  return { family: 0, groups: [0, 0, 0, 0, 0, 0, 0, 0] }
}

/**
 * Reads an address into `address`; family 0 if the text is none. Octets and groups are decimal and hexadecimal, without
 * leading zeros in octets (which some systems read as octal), without a zone (`%eth0`), brackets or blanks.
 */
export function readAddress(address: Address, text: string): void {
  const { groups } = address
  groups.fill(0)
  if (!text.includes(':')) {
    address.family = readOctets(groups, text, 0, 6) ? 4 : 0
    return
  }
  address.family = readGroups(groups, text) ? (isMapped(groups) ? 4 : 6) : 0
}

/**
 * The network of `192.0.2.0/24`, `2001:db8::/32`, or a single address; null if the text is none. Bits after the prefix
 * do not count.
 */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/')
  const address = makeAddress()
  readAddress(address, slash === -1 ? text : text.slice(0, slash))
  if (address.family === 0) return null
  const isDotted = !text.includes(':')
  const written = slash === -1 ? (isDotted ? 32 : 128) : parsePrefix(text.slice(slash + 1))
  const bits = isDotted ? written + mappedBits : written
  if (!(bits <= 128)) return null
  // `::ffff:0:0/90` holds more than the mapped addresses, and is a network of IPv6.
  if (bits < mappedBits) address.family = 6
  return { address, bits }
}

/** IPv4 addresses are in networks of IPv4 alone, IPv6 addresses in those of IPv6: `::/0` is every IPv6 address. */
export function isInNetwork(address: Address, network: Network): boolean {
  if (address.family !== network.address.family) return false
  const ours = address.groups
  const theirs = network.address.groups
  for (let i = address.family === 4 ? 6 : 0, bits = network.bits - i * 16; bits > 0; i++, bits -= 16) {
    const differing = (ours[i] ?? 0) ^ (theirs[i] ?? 0)
    if (bits >= 16 ? differing !== 0 : differing >>> (16 - bits) !== 0) return false
  }
  return true
}

/** Reads four octets from `start` to the end of the text into two groups. */
function readOctets(groups: number[], text: string, start: number, group: number): boolean {
  let at = start
  for (let i = 0; i < 4; i++) {
    if (i > 0 && (at >= text.length || text.charCodeAt(at++) !== dot)) return false
    const octetStart = at
    let octet = 0
    for (; at < text.length && at < octetStart + 3; at++) {
      const digit = text.charCodeAt(at) - zero
      if (digit < 0 || digit > 9) break
      octet = octet * 10 + digit
    }
    const isPadded = at > octetStart + 1 && text.charCodeAt(octetStart) === zero
    if (at === octetStart || octet > 255 || isPadded) return false
    const index = group + (i >> 1)
    groups[index] = i % 2 === 0 ? octet << 8 : (groups[index] ?? 0) | octet
  }
  return at === text.length
}

function readGroups(groups: number[], text: string): boolean {
  let count = 0
  // How many groups stand before `::`; -1 without one.
  let gap = text.startsWith('::') ? 0 : -1
  let at = gap === 0 ? 2 : 0
  while (at < text.length) {
    if (count === groupCount) return false
    const end = endOfHex(text, at)
    if (text.charCodeAt(end) === dot) {
      if (count > groupCount - 2 || !readOctets(groups, text, at, count)) return false
      count += 2
      break
    }
    if (end === at || end - at > 4) return false
    groups[count++] = hexAt(text, at, end)
    at = end
    if (at === text.length) break
    if (text.charCodeAt(at++) !== colon || at === text.length) return false
    if (text.charCodeAt(at) === colon) {
      if (gap !== -1) return false
      gap = count
      at += 1
    }
  }
  if (gap === -1) return count === groupCount
  return count < groupCount && spread(groups, gap, count)
}

/** Moves the groups after the gap to the end. */
function spread(groups: number[], gap: number, count: number): true {
  groups.copyWithin(groupCount - count + gap, gap, count)
  groups.fill(0, gap, groupCount - count + gap)
  return true
}

function isMapped(groups: readonly number[]): boolean {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return false
  return groups[5] === 0xffff
}

function endOfHex(text: string, start: number): number {
  let end = start
  while (end < text.length && isHexDigit(text.charCodeAt(end))) end += 1
  return end
}

function hexAt(text: string, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i)
    value = value * 16 + (isDigit(unit) ? unit - zero : (unit | letterCaseBit) - smallA + 10)
  }
  return value
}

function isHexDigit(unit: number): boolean {
  const small = unit | letterCaseBit
  return isDigit(unit) || (small >= smallA && small <= smallA + 5)
}

function parsePrefix(text: string): number {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : NaN
}
