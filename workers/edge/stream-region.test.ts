import { expect, test } from 'vitest'
import { regions } from '@halyard/shared/protocol/hub.ts'
import { regionOf } from './stream-region.ts'

const places = [
  ['San Francisco', 'NA', 'US', '-122.4', 'wnam'],
  ['Vancouver', 'NA', 'CA', '-123.1', 'wnam'],
  ['New York', 'NA', 'US', '-74.0', 'enam'],
  ['Mexico City', 'NA', 'MX', '-99.1', 'enam'],
  ['São Paulo', 'SA', 'BR', '-46.6', 'sam'],
  ['London', 'EU', 'GB', '-0.1', 'weur'],
  ['Berlin', 'EU', 'DE', '13.4', 'weur'],
  ['Warsaw', 'EU', 'PL', '21.0', 'eeur'],
  ['Istanbul', 'EU', 'TR', '28.9', 'me'],
  ['Dubai', 'AS', 'AE', '55.3', 'me'],
  ['Tokyo', 'AS', 'JP', '139.7', 'apac'],
  ['Singapore', 'AS', 'SG', '103.8', 'apac'],
  ['Sydney', 'OC', 'AU', '151.2', 'oc'],
  ['McMurdo', 'AN', 'AQ', '166.7', 'oc'],
  ['Lagos', 'AF', 'NG', '3.4', 'afr'],
] as const

test.each(places)(
  'a reader in %s is served from its region',
  (_, ...[continent, country, longitude, region]) => {
    expect(regionOf({ continent, country, longitude })).toBe(region)
  },
)

test('every region is somebody’s', () => {
  expect(new Set(places.map((place) => place[4]))).toEqual(new Set(regions))
})

test.each([
  ['no platform before the Worker', undefined, 'weur'],
  ['a place that is not known', { country: 'T1' }, 'weur'],
  ['America without a longitude', { continent: 'NA' }, 'enam'],
  ['Europe without a longitude', { continent: 'EU' }, 'weur'],
  ['a longitude that is no number', { continent: 'NA', longitude: 'west' }, 'enam'],
])('%s gives one region, always the same', (_, cf, region) => {
  expect(regionOf(cf)).toBe(region)
})
