// A collector of traces in a process of its own: `node traces.collector.ts <folder of its authority>`.
import { openLocalAuthority } from '../src/modules/edge/index.ts'
import { openCollector } from '../src/modules/telemetry/collector.ts'

const folder = process.argv[2] as string
const collector = await openCollector(await openLocalAuthority(folder).certificateFor('localhost'))
process.send?.(collector.port)
process.on('disconnect', () => process.exit())
setInterval(() => collector.taken.splice(0), 1_000)
