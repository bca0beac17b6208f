import { BadRequest, MethodNotAllowed, NotFound, UriTooLong } from '../base/refusals.js';
import { originForm } from '../xcap/request-uri.js';
import type { XcapAnswer, XcapRequest } from './messages.js';

/** Resources below one path, each with the methods that it allows. */

/** A request to a resource, and what its URI says. */
export interface Call<Requester> {
  readonly request: XcapRequest;
  readonly requester: Requester;
  /** The variable segments of the path, decoded. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
}

export interface Route<Requester> {
  /** Segments of the path; `{…}` stands for any one segment that is not empty. */
  readonly path: string;
  /** By method; HEAD goes to the handler of GET. */
  readonly handlers: Readonly<Record<string, (call: Call<Requester>) => Promise<XcapAnswer> | XcapAnswer>>;
}

export interface RouterSettings {
  /** The path of the resources, without a slash at its end. */
  readonly path: string;
  /** The most octets of a request-target. */
  readonly targetLength: number;
}

export class Router<Requester> {
  readonly #routes: readonly Route<Requester>[];
  readonly #settings: RouterSettings;

  constructor(routes: readonly Route<Requester>[], settings: RouterSettings) {
    this.#routes = routes;
    this.#settings = settings;
  }

  /** The resources and their methods, without the one at the path itself. */
  get resources(): readonly { readonly path: string; readonly methods: readonly string[] }[] {
    return this.#routes.flatMap(({ path, handlers }) =>
      path === '' ? [] : [{ path: `${this.#settings.path}/${path}`, methods: Object.keys(handlers) }],
    );
  }

  /** Whether a request-target is the path or lies below it. */
  owns(target: string): boolean {
    const { path } = this.#settings;
    const rest = originForm(target);
    return rest.startsWith(path) && ['', '/', '?'].includes(rest.slice(path.length, path.length + 1));
  }

  /**
   * Gives `request` to the handler of the resource that it names.
   *
   * @throws UriTooLong, BadRequest, MethodNotAllowed, NotFound, or what the handler throws
   */
  async route(request: XcapRequest, requester: Requester): Promise<XcapAnswer> {
    const { path: root, targetLength } = this.#settings;
    if (request.target.length > targetLength) {
      throw new UriTooLong(`the request-target has more than ${targetLength} octets`);
    }
    const { segments, query } = this.#parse(request.target);
    for (const { path, handlers } of this.#routes) {
      const names = match(path, segments);
      if (names === undefined) continue;
      const allowed = Object.keys(handlers).flatMap((method) =>
        method === 'GET' ? ['GET', 'HEAD'] : [method],
      );
      const handler = handlers[request.method === 'HEAD' ? 'GET' : request.method];
      if (handler === undefined || !allowed.includes(request.method)) throw new MethodNotAllowed(allowed);
      return await handler({ request, requester, names, query });
    }
    throw new NotFound(`there is no such resource; GET ${root} lists those that there are`);
  }

  /** The decoded segments below the path, and the query. @throws BadRequest */
  #parse(target: string): { readonly segments: readonly string[]; readonly query: URLSearchParams } {
    const rest = originForm(target).slice(this.#settings.path.length);
    const question = rest.indexOf('?');
    const path = question < 0 ? rest : rest.slice(0, question);
    const query = new URLSearchParams(question < 0 ? '' : rest.slice(question + 1));
    try {
      return { segments: path.replace(/^\//, '').split('/').map(decodeURIComponent), query };
    } catch {
      throw new BadRequest('the URI has a bad percent-encoding');
    }
  }
}

/** The variable segments of `segments`, where they have the form of `path`. */
function match(path: string, segments: readonly string[]): readonly string[] | undefined {
  const wanted = path.split('/');
  if (wanted.length !== segments.length) return undefined;
  const names: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const pattern = wanted[index] ?? '';
    if (pattern.startsWith('{') && segment !== '') names.push(segment);
    else if (pattern !== segment) return undefined;
  }
  return names;
}
