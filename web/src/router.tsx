import { useQuery } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router'
import { whoAmI } from './api/queries.ts'
import { isOperators } from './audience.ts'
import { ActivityPage } from './pages/ActivityPage.tsx'
import { AuditPage } from './pages/AuditPage.tsx'
import { BackupsPage } from './pages/BackupsPage.tsx'
import { BillingPage } from './pages/BillingPage.tsx'
import { DataPage } from './pages/DataPage.tsx'
import { ForgottenPage } from './pages/ForgottenPage.tsx'
import { ImpersonationPage } from './pages/ImpersonationPage.tsx'
import { Inside } from './pages/Inside.tsx'
import { InvitationPage } from './pages/InvitationPage.tsx'
import { MissingPage } from './pages/MissingPage.tsx'
import { OperatorAccessPage } from './pages/OperatorAccessPage.tsx'
import { RolesPage } from './pages/RolesPage.tsx'
import { SecondFactorPage } from './pages/SecondFactorPage.tsx'
import { SecurityPage } from './pages/SecurityPage.tsx'
import { SessionsPage } from './pages/SessionsPage.tsx'
import { SetUpPage } from './pages/SetUpPage.tsx'
import { SignInPage } from './pages/SignInPage.tsx'
import { TenantsPage } from './pages/TenantsPage.tsx'
import { TokensPage } from './pages/TokensPage.tsx'
import { UsersPage } from './pages/UsersPage.tsx'
import { Go } from './parts/Go.tsx'
import { may } from './permissions.ts'

const root = createRootRoute({ component: Outlet, notFoundComponent: MissingPage })
const at = <Path extends string>(path: Path, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => root, path, component })

/** For who is signed in and has shown all that is asked. */
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Inside })
const within = <Path extends string>(path: Path, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => inside, path, component })

function Home() {
  const { data: me } = useQuery(whoAmI)
  const pages = [
    { to: '/tenants', needs: 'tenants.read', here: isOperators },
    { to: '/settings/users', needs: 'people.read', here: !isOperators },
  ] as const
  const first = pages.find(({ needs, here }) => here && me && may(me, needs))
  return <Go to={first?.to ?? '/account'} />
}

const routes = root.addChildren([
  at('/sign-in', SignInPage),
  at('/second-factor', SecondFactorPage),
  at('/forgotten-password', ForgottenPage),
  at('/invitation', InvitationPage),
  at('/set-up', isOperators ? SetUpPage : MissingPage),
  at('/impersonation', ImpersonationPage),
  inside.addChildren([
    within('/', Home),
    within('/tenants', isOperators ? TenantsPage : MissingPage),
    within('/settings/operator-access', isOperators ? MissingPage : OperatorAccessPage),
    within('/backups', isOperators ? BackupsPage : MissingPage),
    within('/settings/data', isOperators ? MissingPage : DataPage),
    within('/settings/billing', isOperators ? MissingPage : BillingPage),
    within('/settings/users', UsersPage),
    within('/settings/roles', RolesPage),
    within('/settings/audit', AuditPage),
    within('/account', SecurityPage),
    within('/account/sessions', SessionsPage),
    within('/account/tokens', TokensPage),
    within('/account/activity', ActivityPage),
  ]),
])

/** Which page stands at which address below `/office`. */
export const router = createRouter({ routeTree: routes, basepath: '/office', trailingSlash: 'never' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
