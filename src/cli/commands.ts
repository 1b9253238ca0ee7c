import { program } from 'commander'
import { printable } from '../kernel/log.ts'
import { Problem } from '../kernel/problems.ts'
import { superuserUrl } from './environment.ts'
import { type VerifyOptions, verify } from './verify.ts'
import { witness } from './witness.ts'

program.name('surety').description('The measures a security page promises, running and proven.')

program
  .command('witness')
  .description('remember logs of others and cosign what continues them (c2sp.org/tlog-witness)')
  .requiredOption('--folder <folder>', 'where it keeps its key and what it saw')
  .requiredOption('--listen <address>', 'unix:<socket> or <host>:<port>')
  .requiredOption('--log-key <files...>', 'verifier keys of the logs, one a file')
  .option('--name <name>', 'a URL without scheme that names it', 'witness.localhost')
  .action(witness)

program
  .command('verify')
  .description('verify a downloaded proof offline, or the whole log that a trust center serves')
  .argument('[file]', 'a proof, as downloaded from a measure')
  .option('--url <url>', 'of a log, such as https://trust.example/log')
  .option('--key <key>', "the log's key, from a source you trust")
  .option('--earlier <file>', 'a checkpoint kept from before: what it signed must still be there')
  .option(
    '--witness-key <key>',
    'of a witness, from a source you trust: it must have cosigned the log lately',
  )
  .option('--witness <address>', 'of that witness, to ask it whether it has seen more than is served')
  .option('--ca <file>', 'certificate authority of the trust center, where it is a local one')
  .action(async (file: string | undefined, options: VerifyOptions) => {
    process.exitCode = await verify(file, options)
  })

program
  .command('database-url')
  .description("the superuser's URL of the private Postgres, for trials by hand")
  .argument('[database]', 'to connect to', 'postgres')
  .action((database: string) => console.log(superuserUrl(database)))

// These are done at once, and work for who only verifies; loading the platform takes a second.
if (!program.commands.some((command) => command.name() === process.argv[2]))
  (await import('./platformCommands.ts')).addPlatformCommands(program)

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Problem ? `${error.title}: ${error.message}` : printable(error))
  process.exit(1)
})
