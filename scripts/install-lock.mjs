// Loaded into the npm process itself (`node --import`), so that whoever changes node_modules is who holds the lock:
// after a kill -9 of the launcher no second npm can start while the first still writes.
import { dependenciesAreInstalled, root } from './dependencies.mjs'
import { holdLock } from './lock.mjs'

process.on('disconnect', () => process.exit(1))
process.channel?.unref()
// npm's own children must not take the lock again.
delete process.env.NODE_OPTIONS

await holdLock(`install ${root}`, (pid) =>
  console.error(`Waiting for process ${pid}, which is installing too.`),
)
if (dependenciesAreInstalled()) process.exit(0)
