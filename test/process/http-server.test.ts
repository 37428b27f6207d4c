/** The server tells and does nothing else: two methods, a few paths, and it is gone when it is closed. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Routes, serve } from '../../src/process/http-server.ts'
import { until } from '../until.ts'

const plain = (body: string) => ({ status: 200, contentType: 'text/plain', body })

async function start(routes: Routes) {
  const server = await serve({ host: '127.0.0.1', port: 0 }, routes)
  onTestFinished(() => server.close())
  return { server, url: `http://127.0.0.1:${server.address.port}` }
}

test('answers GET and HEAD, whatever the query, and lets nobody keep the answer', async () => {
  const { url } = await start({ '/livez': () => plain('grün') })
  const answer = await fetch(`${url}/livez?verbose=1`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await answer.text()).toBe('grün')
  const head = await fetch(`${url}/livez`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', ''])
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('refuses %s', async method => {
  const { url } = await start({ '/livez': () => plain('ok') })
  const answer = await fetch(`${url}/livez`, { method })
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('knows its paths only, and survives what goes wrong behind them', async () => {
  const { url } = await start({
    '/broken': () => {
      throw new Error('secret')
    },
    '/rejected': () => Promise.reject(new Error('secret')),
  })
  for (const path of ['/', '/broken/', '/__proto__', '//broken']) expect((await fetch(url + path)).status).toBe(404)
  for (const path of ['/broken', '/rejected']) {
    const answer = await fetch(url + path)
    expect([answer.status, await answer.text()]).toEqual([500, 'failed\n'])
  }
})

test('a port in use is one error that says what to do', async () => {
  const { server } = await start({})
  await expect(serve(server.address, {})).rejects.toMatchObject({
    code: 'E_ADDRESS',
    message: expect.stringMatching(/127\.0\.0\.1:\d+.*something else listens there.*HTTP_PORT/),
  })
})

test('closes at once, whoever is still connected', async () => {
  const { server } = await start({})
  const socket = connect(server.address.port, '127.0.0.1')
  const over = Promise.withResolvers<void>()
  socket.on('close', () => over.resolve()).on('error', () => {})
  await until(() => socket.readyState === 'open', { withinMs: 5_000, what: 'a connection' })
  socket.write('GET /')
  await server.close()
  await over.promise
})
