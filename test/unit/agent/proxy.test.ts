import { describe, expect, test } from 'vitest';
import { grpcEnvironment, isProxied, readProxy, showProxy } from '../../../src/agent/stream/proxy.ts';

const through = (no: string, server: string): boolean =>
  isProxied(readProxy({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: no }), server);

describe('a proxy is used where one is set', () => {
  test.each([
    ['HTTPS_PROXY', 'http://proxy.example:3128', 'proxy.example:3128'],
    ['https_proxy', 'http://proxy.example:3128/', 'proxy.example:3128'],
    ['Https_Proxy', 'proxy.example:3128', 'proxy.example:3128'],
    ['GRPC_PROXY', 'http://proxy.example', 'proxy.example'],
    ['all_proxy', 'http://[2001:db8::1]:3128', '[2001:db8::1]:3128'],
  ])('%s=%s', (name, value, host) => {
    const proxy = readProxy({ [name]: value });
    expect(proxy && showProxy(proxy)).toBe(host);
    expect(isProxied(proxy, 'orchestrator.example:443')).toBe(true);
  });

  test('none is set, set to nothing, or only the one for requests without TLS', () => {
    for (const environment of [{}, { HTTPS_PROXY: '' }, { https_proxy: '  ' }, { HTTP_PROXY: 'http://proxy:1' }]) {
      expect(readProxy(environment)).toBeUndefined();
    }
  });

  test('of two spellings the lower-case one counts', () => {
    expect(readProxy({ HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' })?.url.host).toBe('lower:1');
  });

  test('its user and password are in no log', () => {
    const proxy = readProxy({ HTTPS_PROXY: 'http://me:secret@proxy:3128' })!;
    expect(showProxy(proxy)).toBe('proxy:3128');
    expect(grpcEnvironment(proxy)['grpc_proxy']).toContain('me:secret@');
  });
});

describe('a setting that cannot be used is an error, not a direct connection', () => {
  test.each([
    [
      { HTTPS_PROXY: 'https://proxy:3128' },
      'HTTPS_PROXY cannot be used: a proxy is spoken to over http://, not https://',
    ],
    [
      { https_proxy: 'socks5://proxy:1080' },
      'https_proxy cannot be used: a proxy is spoken to over http://, not socks5://',
    ],
    [{ HTTPS_PROXY: 'http://proxy:99999' }, 'HTTPS_PROXY cannot be used: it is no URL'],
    [{ HTTPS_PROXY: 'http://proxy:1/path' }, 'HTTPS_PROXY cannot be used: a proxy has no path'],
    [{ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: '10.0.0.0/99' }, 'NO_PROXY cannot be used: 10.0.0.0/99'],
    [{ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'exa mple.com/x' }, 'NO_PROXY cannot be used'],
  ])('%j', (environment, message) => {
    expect(() => readProxy(environment)).toThrow(message);
  });

  test('the message holds no password', () => {
    expect(() => readProxy({ HTTPS_PROXY: 'https://me:secret@proxy' })).toThrow(/^(?!.*secret)/);
  });
});

describe('exceptions', () => {
  test.each([
    ['example.com', 'example.com:443', false],
    ['example.com', 'hub.example.com:443', false],
    ['example.com', 'notexample.com:443', true],
    ['.example.com', 'hub.example.com:443', false],
    ['.example.com', 'example.com:443', true],
    ['*.example.com', 'hub.example.com:443', false],
    ['EXAMPLE.com', 'Hub.Example.COM:443', false],
    ['example.com:443', 'example.com:443', false],
    ['example.com:443', 'example.com:7443', true],
    ['10.0.0.0/8', '10.1.2.3:443', false],
    ['10.0.0.0/8', '11.1.2.3:443', true],
    ['2001:db8::/32', '[2001:db8::5]:443', false],
    ['10.1.2.3', '10.1.2.3:443', false],
    ['10.1.2.3:80', '10.1.2.3:443', true],
    ['[2001:db8::5]', '[2001:db8::5]:443', false],
    ['*', 'anything.example:443', false],
    // Traps of grpc-js: a trailing comma there means everything, and a space before a name hides it.
    ['other.example,', 'example.com:443', true],
    ['other.example, example.com', 'example.com:443', false],
    [' ', 'example.com:443', true],
  ])('NO_PROXY=%s leaves %s to the proxy: %s', (no, server, expected) => {
    expect(through(no, server)).toBe(expected);
  });

  test('loopback is never proxied', () => {
    for (const server of ['localhost:7443', '127.0.0.1:7443', '127.8.8.8:7443', '[::1]:7443']) {
      expect(through('', server)).toBe(false);
    }
  });
});

test('grpc-js is left no variable to decide by', () => {
  expect(grpcEnvironment(readProxy({ HTTPS_PROXY: 'http://proxy:1', no_proxy: 'a,' }))).toEqual({
    grpc_proxy: 'http://proxy:1/',
    no_grpc_proxy: '',
    no_proxy: '',
    https_proxy: '',
    http_proxy: '',
  });
  expect(grpcEnvironment(undefined)['grpc_proxy']).toBe('');
});
