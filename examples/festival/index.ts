import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import {
  defineModule,
  type ModuleCommand,
  media,
  push,
  type RouteGroup,
  tenancy,
  vault,
} from '../../src/index.ts'
import { seedAccount, seedCanary } from './canary.ts'
import { importLineup } from './importLineup.ts'
import { badLineup } from './lineup.ts'
import { festivalLineupPublished } from './measures/festival-lineup-published.ts'
import { pictureRoutes } from './pictureRoutes.ts'
import { readCsv } from './readCsv.ts'
import { readJsonLd } from './readJsonLd.ts'
import { festivalRoutes } from './routes.ts'
import { socialRoutes } from './socialRoutes.ts'
import { stageRoutes } from './stageRoutes.ts'

/** Festivals and their line-ups: every tenant is one festival. */
export const festival = defineModule({
  name: 'festival',
  needs: { tenancy, vault, push, media },
  settings: z.object({}),
  migrations: { tenant: new URL('./migrations/tenant/', import.meta.url) },
  async start(_context, { tenancy, vault, push, media }) {
    tenancy.canaries.register('festival', seedCanary)
    tenancy.canaries.register('festival.social', seedAccount(vault))
    const routes: RouteGroup[] = [
      { audience: 'tenant', plugin: festivalRoutes as unknown as FastifyPluginAsync },
      { audience: 'tenant', plugin: stageRoutes(push) as unknown as FastifyPluginAsync },
      { audience: 'tenant', plugin: pictureRoutes(media) as unknown as FastifyPluginAsync },
      { audience: 'tenant', plugin: socialRoutes(vault) as unknown as FastifyPluginAsync },
    ]
    const lineupImport: ModuleCommand = {
      name: 'lineup:import',
      takes: ['tenant', 'file'],
      description: 'take a line-up over from a .csv or .json(ld) file',
      async run([slug = '', file = ''], print) {
        const read = { '.csv': readCsv, '.json': readJsonLd, '.jsonld': readJsonLd }[extname(file)]
        if (!read) throw badLineup(`${file}: a line-up is a .csv, .json or .jsonld file.`)
        const tenant = await tenancy.bySlug(slug)
        const { artists, stages, performances } = await importLineup(
          tenant,
          read(await readFile(file, 'utf8')),
        )
        print(`${performances} performances, ${artists} artists and ${stages} stages are in ${tenant.name}.`)
      },
    }
    return {
      api: null,
      routes,
      commands: [lineupImport],
      measures: [festivalLineupPublished(tenancy.canaries.open)],
    }
  },
})
