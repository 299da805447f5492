import type { Region } from '@halyard/shared/protocol/hub.ts'

/** Where a relay should stand for a request: near it, by what the platform says of where it came from. */
export function regionOf(cf: Request['cf']): Region {
  const country = cf?.['country']
  if (typeof country === 'string' && middleEast.has(country)) return 'me'
  const longitude = Number(cf?.['longitude'] ?? NaN)
  switch (cf?.['continent']) {
    case 'NA':
      return longitude < westOfAmerica ? 'wnam' : 'enam'
    case 'SA':
      return 'sam'
    case 'EU':
      return longitude > eastOfEurope ? 'eeur' : 'weur'
    case 'AS':
      return 'apac'
    case 'OC':
    case 'AN':
      return 'oc'
    case 'AF':
      return 'afr'
    default:
      return 'weur' // unknown: relays of one place rather than of any
  }
}

const middleEast = new Set('AE BH EG IL IQ IR JO KW LB OM PS QA SA SY TR YE'.split(' '))
/** Degrees: about Denver, and about Vienna. */
const westOfAmerica = -104
const eastOfEurope = 17
