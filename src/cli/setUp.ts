import { type Stores, stores } from '../data/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { createLog } from '../kernel/log.ts'
import { type SettingsTree, startModules } from '../kernel/module.ts'
import { type EdgeApi, edge } from '../modules/edge/index.ts'
import { offerSetUp, operatorRealm, setUpLink } from '../modules/identity/index.ts'

/** The link that makes the first operator, while there has never been one; else null. Starts no more than it needs. */
export async function offerSetUpLink(settings: SettingsTree): Promise<string | null> {
  const log = createLog({ name: 'up', level: 'error' })
  const context = {
    settings,
    clock: systemClock,
    log,
    build: '',
    program: { args: [], env: {}, release: '' },
  }
  const { started, stop } = await startModules([stores, edge], context)
  try {
    const [{ control, secrets }, { adminHost, portInLinks }] = started.map(({ gives }) => gives.api) as [
      Stores,
      EdgeApi,
    ]
    const token = await offerSetUp(operatorRealm(control), secrets)
    return token && setUpLink(`https://${adminHost}${portInLinks}`, token)
  } finally {
    await stop()
  }
}
