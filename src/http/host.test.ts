import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { requestHost } from './host.ts'

const request = (hosts: string[], url = '/', extra: string[] = []) =>
  ({ url, rawHeaders: [...hosts.flatMap((host) => ['Host', host]), ...extra] }) as IncomingMessage

describe('the host of a request', () => {
  for (const [written, host] of [
    ['a.localhost', 'a.localhost'],
    ['A.LOCALHOST', 'a.localhost'],
    ['a.localhost.', 'a.localhost'],
    ['a.localhost:8080', 'a.localhost'],
    ['a.localhost.:8080', 'a.localhost'],
    ['münchen.localhost', 'xn--mnchen-3ya.localhost'],
    ['127.0.0.1', undefined],
    ['[::1]', undefined],
    ['a.localhost@b.localhost', undefined],
    ['a.localhost/b', undefined],
    ['', undefined],
  ] as const) {
    it(`"${written}" is ${host ?? 'refused'}`, () => assert.equal(requestHost(request([written])), host))
  }

  it('is refused when two are given, even the same', () => {
    assert.equal(requestHost(request(['a.localhost', 'a.localhost'])), undefined)
    assert.equal(requestHost(request([])), undefined)
  })

  it('is refused when an absolute target names another host', () => {
    assert.equal(requestHost(request(['a.localhost'], 'http://b.localhost/')), undefined)
    assert.equal(requestHost(request(['a.localhost'], 'http://a.localhost/')), 'a.localhost')
  })

  it('never comes from a forwarded header', () => {
    assert.equal(
      requestHost(request(['a.localhost'], '/', ['X-Forwarded-Host', 'b.localhost'])),
      'a.localhost',
    )
  })
})
