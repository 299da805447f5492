/** `inCidr`. A text that is no address is of the wrong type. */
import { addressOf } from '../attribute.ts'
import { isInNetwork, parseNetwork, type Address, type Network } from './address.ts'
import { readOperands, type LeafScope, type Test } from './leaf.ts'
import { readText, refuse } from '../shape.ts'

export function compileInCidr({ leaf, attribute, wanted }: LeafScope): Test {
  const networks = readOperands(leaf, readNetwork)
  return (run) => {
    const address = addressOf(attribute, run)
    return address.family !== 0 && isInAny(address, networks) === wanted
  }
}

function readNetwork(value: unknown, what: string): Network {
  const text = readText(value, what)
  return parseNetwork(text) ?? refuse(`"${text}" is no network, such as 192.0.2.0/24 or 2001:db8::/32`)
}

function isInAny(address: Address, networks: readonly Network[]): boolean {
  for (const network of networks) if (isInNetwork(address, network)) return true
  return false
}
