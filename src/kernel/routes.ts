import type { FastifyPluginAsync } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without sign-in. */
    public?: boolean
    /** `<area>.<act>` that the caller's role must be granted. A route that is neither public nor names one is closed. */
    permission?: string
    /** An act that outlasts the session: its caller must have shown a factor lately. Programs cannot do it. */
    recent?: boolean
    /** What a request takes from its caller's budgets; 1 unless it says otherwise. */
    limit?: RouteLimit
  }
}

/** What a route costs. */
export interface RouteLimit {
  /** Units of the budgets of address and tenant. */
  cost?: number
  /** It tries a credential: it also takes from the small budget of attempts, which stays closed when Redis is away. */
  attempt?: boolean
  /** The field of the body that names the account; refused attempts at it have a budget of their own. */
  account?: string
}

/**
 * Who a set of routes is for, decided by the request's host: the public trust center, the operators' back-office, or a
 * tenant's own host. On `tenant` routes `request.tenant` is set; a route of one audience does not exist on another.
 */
export type Audience = 'trust' | 'admin' | 'tenant'

/** Routes of one module for one audience. Schemas are zod; they become validation, serialisation and OpenAPI. */
export interface RouteGroup {
  audience: Audience
  plugin: FastifyPluginAsync
}

/** What a module gives beside its api when it answers HTTP. */
export interface GivesRoutes {
  routes?: readonly RouteGroup[]
  /** Hooks that run before every route of their audience, also those of other modules. In the order of `needs`. */
  guards?: readonly RouteGroup[]
}
