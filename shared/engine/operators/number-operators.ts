/** `gt`, `gte`, `lt`, `lte`, `between` and `modulo`: IEEE 754 numbers, of which NaN matches nothing. */
import { readAttribute } from '../attribute.ts'
import { readPair, type LeafScope, type Test } from './leaf.ts'
import { readNumber, refuse, type Shape } from '../shape.ts'

export function compileGt({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readOperand(leaf)
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'number' && !Number.isNaN(value) && value > operand === wanted
  }
}

export function compileGte({ leaf, attribute, wanted }: LeafScope): Test {
  const operand = readOperand(leaf)
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'number' && !Number.isNaN(value) && value >= operand === wanted
  }
}

/** The contrary of `gte`: the values that are neither are out before the comparison. */
export function compileLt(scope: LeafScope): Test {
  return compileGte({ ...scope, wanted: !scope.wanted })
}

export function compileLte(scope: LeafScope): Test {
  return compileGt({ ...scope, wanted: !scope.wanted })
}

export function compileBetween({ leaf, attribute, wanted }: LeafScope): Test {
  const [low, high] = readPair(leaf, 'the lowest and the highest number', readNumber)
  if (low > high) refuse(`between takes the lower number first: ${low} is above ${high}`)
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'number' && !Number.isNaN(value) && (value >= low && value <= high) === wanted
  }
}

/**
 * The remainder is that of the mathematical modulus, from 0 up to the divisor's magnitude: -1 modulo 3 is 2, where
 * JavaScript's `%` says -1. Infinity has none.
 */
export function compileModulo({ leaf, attribute, wanted }: LeafScope): Test {
  const [divisor, remainder] = readPair(leaf, 'the divisor and the remainder', readNumber)
  const size = Math.abs(divisor)
  if (!(size > 0 && size < Infinity)) refuse('the divisor of modulo is 0 or not finite')
  if (!(remainder >= 0 && remainder < size)) refuse(`the remainder of modulo is not from 0 up to ${size}`)
  return (run) => {
    const value = readAttribute(attribute, run)
    if (typeof value !== 'number' || !Number.isFinite(value)) return false
    const rest = value % size
    return (rest < 0 ? rest + size === remainder : rest === remainder) === wanted
  }
}

function readOperand(leaf: Shape): number {
  return readNumber(leaf['value'], `the operand of ${String(leaf['op'])}`)
}
