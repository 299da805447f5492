import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failWith, fault } from './fault.ts'
import { findTool, projectRoot, runTool } from './run-tool.ts'

/** Where vitest's JSON report of the last run lies, for whoever counts. */
const reportFile = join(projectRoot, 'dist', 'test-report.json')

await main(process.argv.slice(2)).catch(failWith)

/** Runs all tests, or those that the arguments name, and fails if none ran. */
async function main(args: readonly string[]): Promise<void> {
  mkdirSync(dirname(reportFile), { recursive: true })
  rmSync(reportFile, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const code = await runTool(findTool('vitest', 'vitest'), ['run', ...reporters, ...args])
  if (code === 0 && countTests() === 0)
    throw fault('No test ran', 'Correct the names of tests or files given')
  process.exit(code)
}

function countTests(): number {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(reportFile, 'utf8'))
  return numPassedTests + numFailedTests
}
