import { BadCases, type Content, type Role, type Suite } from './case-format.js';
import type { Answer } from './exchange.js';
import { readXml } from './xml.js';

/**
 * What stands in braces in a case. The names of groups, users and documents are new in every run, so
 * that a run on a shared server meets nothing of anybody else and is met by nobody.
 */

/** The server under test, and who may be asked for. */
export interface Surroundings {
  /** The XCAP root URI. */
  readonly root: string;
  /** The domain of the group IDs and users that the cases make up. */
  readonly domain: string;
  /** The XUI in whose users tree groups are created (TS 24.481 clause 6.3.2). */
  readonly creationXui: string;
  /** The URIs of the roles; a role without one is not available, but for nobody. */
  readonly identities: Readonly<Partial<Record<Role, string>>>;
  /** The largest body that the server takes, in octets. */
  readonly bodyLimit?: number | undefined;
  /** The longest request-target that the server takes, in octets. */
  readonly targetLimit?: number | undefined;
}

/** A case cannot be run here, for the reason in the message. */
export class NotApplicable extends Error {}

/** An earlier answer has not what a later request needs. */
export class Missing extends Error {}

/** The first alternative that a uniqueness-failure offers. */
function alternative(answer: Answer): string | undefined {
  const root = readXml(answer.body.toString('utf8'));
  const all = root?.children.flatMap((each) => each.children).flatMap((each) => each.children) ?? [];
  return all.find(({ local }) => local === 'alt-value')?.text;
}

/** The names of one run of one case. */
export class Names {
  /** Stands in every name that the case makes up. */
  readonly token: string;
  readonly #surroundings: Surroundings;
  readonly #suite: Suite;
  readonly #answers = new Map<string, Answer>();

  constructor(token: string, surroundings: Surroundings, suite: Suite) {
    this.token = token;
    this.#surroundings = surroundings;
    this.#suite = suite;
  }

  save(name: string, answer: Answer): void {
    this.#answers.set(name, answer);
  }

  /** @throws BadCases where no earlier request has this name */
  answer(name: string): Answer {
    const answer = this.#answers.get(name);
    if (answer === undefined) throw new BadCases(`no earlier request is called ${name}`);
    return answer;
  }

  /** `text` with the names in braces replaced. @throws BadCases, NotApplicable, Missing */
  fill(text: string, index = 0): string {
    return text.replace(
      /\{([A-Za-z]+)(\d?)(?::([\w-]+))?\}/g,
      (_, word: string, number: string, of?: string) =>
        of === undefined ? this.#named(word, number, index) : this.#fromAnswer(word, of),
    );
  }

  /** The request-target of a path below the root, filled up to the limit where it says so. */
  target(path: string, index = 0): string {
    const root = new URL(this.#surroundings.root).pathname.replace(/\/$/, '');
    const filled = this.fill(path, index);
    const target = `${filled.startsWith('/') ? root : ''}${filled}`;
    const [, filler, more] = /(\{fill(\+1)?\})/.exec(target) ?? [];
    if (filler === undefined) return target;
    const limit = this.#surroundings.targetLimit;
    if (limit === undefined) throw new NotApplicable('the limit of request-targets is not known');
    const wanted = limit + (more === undefined ? 0 : 1);
    return target.replace(filler, 'x'.repeat(wanted - target.length + filler.length));
  }

  /** The octets of a body. @throws BadCases, NotApplicable, Missing */
  bytes(content: Content, index = 0): Buffer {
    if (typeof content === 'string') return Buffer.from(this.fill(content, index));
    if (content.hex !== undefined) return Buffer.from(content.hex, 'hex');
    const written =
      content.file === undefined ? content.text : this.#suite.file(content.file).toString('utf8');
    let text = written ?? '';
    for (const [from, to] of content.replace ?? []) {
      if (!text.includes(from)) throw new BadCases(`${content.file ?? 'the body'} has no ${from} to replace`);
      text = text.replaceAll(from, to);
    }
    text = this.fill(text, index);
    if (content.pad !== undefined) text += this.#padding(text, content.pad);
    return Buffer.from(text, content.coding === 'latin-1' ? 'latin1' : (content.coding ?? 'utf8'));
  }

  #padding(text: string, pad: 'limit' | 'beyond'): string {
    const limit = this.#surroundings.bodyLimit;
    if (limit === undefined) throw new NotApplicable('the limit of bodies is not known');
    const size = limit + (pad === 'beyond' ? 1 : 0) - Buffer.byteLength(text) - '<!---->'.length;
    return `<!--${'x'.repeat(size)}-->`;
  }

  #named(word: string, number: string, index: number): string {
    const { domain, creationXui, identities } = this.#surroundings;
    const name = `conf-${this.token}${number}`;
    const groups = '/org.openmobilealliance.groups';
    const groupId = `sip:${name}@${domain}`;
    const user = `sip:user-${this.token}${number}@${domain}`;
    switch (word) {
      case 'name':
        return name;
      case 'i':
        return String(index);
      case 'domain':
        return domain;
      case 'DOMAIN':
        return domain.toUpperCase();
      case 'groups':
        return groups;
      case 'global':
        return `${groups}/global/byGroupID`;
      case 'creation':
        return encodeURIComponent(creationXui);
      case 'users':
        return `${groups}/users/${encodeURIComponent(creationXui)}`;
      case 'groupId':
        return groupId;
      case 'group':
        return encodeURIComponent(groupId);
      case 'doc':
        return `${groups}/global/byGroupID/${encodeURIComponent(groupId)}`;
      case 'userId':
        return user;
      case 'user':
        return encodeURIComponent(user);
      case 'lists':
        return `/resource-lists/users/${encodeURIComponent(user)}/index`;
      case 'services':
        return `/rls-services/users/${encodeURIComponent(user)}/index`;
      case 'root':
        return this.#surroundings.root.replace(/\/$/, '');
      case 'fill':
        return '{fill}';
      case 'administrator':
      case 'member':
      case 'stranger':
      case 'server':
        return identities[word] ?? `sip:conformance-${word}@${domain}`;
      default:
        throw new BadCases(`{${word}${number}} is no name`);
    }
  }

  #fromAnswer(word: string, of: string): string {
    const answer = this.answer(of);
    const { etag } = answer.headers;
    if (word === 'alternative' || word === 'alternativeSegment') {
      const value = alternative(answer);
      if (value === undefined) throw new Missing(`the answer ${of} offers no alternative value`);
      return word === 'alternative' ? value : encodeURIComponent(value);
    }
    if (word !== 'etag' && word !== 'opaque') throw new BadCases(`{${word}:${of}} is no name`);
    if (etag === undefined) throw new Missing(`the answer ${of} has no ETag`);
    return word === 'etag' ? etag : etag.replace(/^(W\/)?"|"$/g, '');
  }
}
