import type { Command } from 'commander'
import { makeProgram } from '../cli/program.ts'

const opening = `# The commands of \`halyard\`

What \`halyard COMMAND --help\` says, of every command; the options of \`halyard\` itself go with each.
[docs/cli.md](../cli.md) says how they go together.
`

/** The help of every command that is published, as a page. */
export function describeCli(): string {
  const program = makeProgram()
  return [opening, ...[program, ...commandsUnder(program)].map(describe)].join('\n')
}

/** The operator's commands stay with the server: docs/operations is about them. */
function commandsUnder(command: Command): readonly Command[] {
  return command.commands
    .filter((each) => each.name() !== 'admin')
    .flatMap((each) => [each, ...commandsUnder(each)])
}

function describe(command: Command): string {
  let text = ''
  command.configureHelp({ showGlobalOptions: false }) // they stand at the top, once
  command.configureOutput({
    writeOut: (more) => (text += more),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return `## ${pathOf(command)}\n\n\`\`\`text\n${text.trim()}\n\`\`\`\n`
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
