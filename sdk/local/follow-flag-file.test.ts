import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { followFlagFile, readFromDisk, type FileReading } from './follow-flag-file.ts'

const whole = '{"flags": {"a": {"enabled": true}}}'

/** Notices of the file system come when they come; the clock of what follows them moves with the test alone. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  return () => void vi.useRealTimers()
})

function follow(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-follow-'))
  const file = join(folder, 'flags.json')
  writeFileSync(file, text)
  const told: FileReading[] = []
  const stop = followFlagFile(file, readFromDisk(file), (reading) => told.push(reading))
  onTestFinished(() => {
    stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { file, told, stop }
}

test('a file that is half written is looked at again before it is told of', () => {
  const { file, told } = follow(whole)
  writeFileSync(file, '{"flags": {"a": {"enab')
  vi.advanceTimersByTime(50)
  writeFileSync(file, '{"flags": {"a": {"enabled": false}}}')
  vi.advanceTimersByTime(200)
  expect(told.map(({ file: read }) => read?.flags['a']?.enabled)).toEqual([false])
})

test('a file that stays broken is told of once', () => {
  const { file, told } = follow(whole)
  writeFileSync(file, '{"flags": [')
  vi.advanceTimersByTime(500)
  expect(told).toHaveLength(1)
})

test('a file is told of if its content is another, not if it was only touched', () => {
  const { file, told } = follow(whole)
  writeFileSync(file, whole)
  vi.advanceTimersByTime(500)
  expect(told).toEqual([])
})

test('what changed before the watch began is told of', () => {
  const { file, told } = follow(whole)
  writeFileSync(file, '{"flags": {}}')
  vi.advanceTimersByTime(20)
  expect(told).toHaveLength(1)
})

test('nothing is told after the end, not even of a second look', () => {
  const { file, told, stop } = follow(whole)
  writeFileSync(file, '{"flags": [')
  vi.advanceTimersByTime(50)
  stop()
  vi.advanceTimersByTime(500)
  expect(told).toEqual([])
})
