import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** nginx as a child process, in a temporary folder of its own. */

/** Why tests with nginx cannot run here, or undefined where they can. */
export function nginxMissing(): string | undefined {
  const { status } = spawnSync('nginx', ['-v'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'nginx is not installed (apt-get install nginx-light)';
}

/** `text` with its loopback ports replaced; every port of the map must stand in it. */
export function withPorts(text: string, ports: Readonly<Record<number, number>>): string {
  const met = new Set<string>();
  const replaced = text.replace(/(127\.0\.0\.1:|port: )(\d+)/g, (whole, before: string, port: string) => {
    const other = ports[Number(port)];
    if (other === undefined) return whole;
    met.add(port);
    return `${before}${other}`;
  });
  const missing = Object.keys(ports).filter((port) => !met.has(port));
  if (missing.length > 0) throw new Error(`the text has no port ${missing.join(', ')}`);
  return replaced;
}

/** One line of the access log. */
export interface Forwarded {
  readonly request: string;
  /** What whoever asked was answered. */
  readonly status: number;
  /** What the server behind answered, or `-` where it did not. */
  readonly upstream: string;
}

export class Nginx {
  readonly #name: string;
  readonly #folder: string;
  readonly #site: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #errors = '';
  #over = false;

  private constructor(name: string, folder: string, site: string) {
    this.#name = name;
    this.#folder = folder;
    this.#site = site;
    this.#child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
      this.#notify();
    });
    this.#child.once('close', () => {
      this.#over = true;
      this.#notify();
    });
  }

  /**
   * @param name stands in the log of requests
   * @param site a file of the http context
   * @param settings directives of the http context
   */
  static async start(name: string, site: string, settings = ''): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-nginx-'));
    // Workers of a nginx that is started by root are another user.
    await chmod(folder, 0o755);
    await writeConfiguration(folder, site, settings);
    const self = new Nginx(name, folder, site);
    await self.#said(/start worker process \d+/);
    return self;
  }

  /** Takes on other settings; connections of before are closed. */
  async reload(settings = ''): Promise<void> {
    await writeConfiguration(this.#folder, this.#site, settings);
    this.#errors = '';
    this.#child.kill('SIGHUP');
    await this.#said(/worker process \d+ exited with code 0/);
  }

  /** Ends it and gives what it forwarded. */
  async stop(): Promise<readonly Forwarded[]> {
    if (!this.#over) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGQUIT');
      await closed;
    }
    const log = await readFile(join(this.#folder, 'access.log'), 'utf8');
    await rm(this.#folder, { recursive: true, force: true });
    const lines = log.split('\n').filter((line) => line !== '');
    const keep = process.env['MCGMS_PROXY_LOG'];
    if (keep !== undefined && lines.length > 0) {
      appendFileSync(keep, lines.map((line) => `${this.#name} ${line}\n`).join(''));
    }
    return lines.map((line) => {
      const {
        request = '',
        status,
        upstream = '',
      } = /^(?<request>\S+ \S+) (?<status>\d+) (?<upstream>.*)$/.exec(line)?.groups ?? {};
      return { request, status: Number(status), upstream };
    });
  }

  async #said(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#errors)) {
      if (this.#over) throw new Error(`nginx ended without ${pattern.source}:\n${this.#errors}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #notify(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

async function writeConfiguration(folder: string, site: string, settings: string): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${kind};`)
    .join(' ');
  const text = `daemon off; worker_processes 1; pid nginx.pid; error_log stderr notice;
events { worker_connections 256; }
http {
  ${temporary}
  log_format forwarded '$request_method $request_uri $status $upstream_status';
  access_log access.log forwarded;
  ${settings}
  include site.conf;
}
`;
  await writeFile(join(folder, 'site.conf'), site);
  await writeFile(join(folder, 'nginx.conf'), text);
}
