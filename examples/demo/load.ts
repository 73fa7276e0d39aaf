/** The load generator as the demo drives it: clients that ask at a steady rate, and their counts. */

import type { LoadSecond, LoadSnapshot } from './load-counts.ts';

export interface LoadClient {
  name: string;
  mode: 'meshed' | 'unmeshed';
  url: string;
  /** Requests a second. */
  rate: number;
}

export class Load {
  readonly #url: string;

  /** @param url of its control API */
  constructor(url: string) {
    this.#url = url;
  }

  async startClient(client: LoadClient): Promise<void> {
    await this.#call('POST', '/clients', client);
  }

  async counts(): Promise<LoadSnapshot> {
    return (await this.#call('GET', '/counts')) as LoadSnapshot;
  }

  /** A client's answers, second by second. */
  async series(name: string, fromSecond: number): Promise<LoadSecond[]> {
    return (await this.#call('GET', `/series/${name}?from=${fromSecond}`)) as LoadSecond[];
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`load ${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
