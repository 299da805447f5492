import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './run-tool.ts'

// The last line of a CI run. A file that failed without any of its tests, in its set-up, counts as one that failed.
const file = join(projectRoot, 'dist', 'test-report.json')
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
const broken = report?.testResults.filter(
  ({ status, assertionResults }: { status: string; assertionResults: { status: string }[] }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
)
const passed: number = report?.numPassedTests ?? 0
const failed: number = (report?.numFailedTests ?? 0) + (broken?.length ?? 0)
console.log(`${passed} passed, ${failed} failed`)
process.exit(passed > 0 && failed === 0 && report.success ? 0 : 1)
