/** Of another host of this deployment. */
export const originOf = (host: string | undefined): string =>
  `https://${host}${location.port && `:${location.port}`}`
