import { Option, type Command } from 'commander'
import type { UsageOptions } from '../commands/usage.ts'
import { addCommand, settingsOf } from '../options.ts'

/** What applications track. */
export function addMetrics(program: Command): void {
  addCommand(program, 'metrics [name]', {
    does: 'what applications track: all names with their totals, or how often one of them happened',
    examples: ['halyard metrics --env production', 'halyard metrics checkout-completed --by hour --json'],
  })
    .option('--from <time>', 'such as 2026-11-01T00:00:00Z; 30 days ago if left out')
    .option('--to <time>', 'now if left out')
    .addOption(new Option('--by <unit>', 'of one name: in hours or days').choices(['hour', 'day']))
    .action(async (name: string | undefined, options: UsageOptions, command: Command) => {
      if (name === undefined && options.by) command.error('error: --by is for the metric of one name')
      const { listMetrics, showMetric } = await import('../commands/metrics.ts')
      if (name === undefined) await listMetrics(options, settingsOf(command))
      else await showMetric(name, options, settingsOf(command))
    })
}
