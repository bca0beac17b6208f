import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { checkText, formatWarning, type Mistake } from '../../../src/config/file.js';
import { checkGatewayConfig } from '../../../src/gateway/config.js';
import { checkConfig, checkConfigText } from '../../../src/gms/config.js';
import { fixture } from '../../support/fixtures.js';

const folder = fileURLToPath(new URL('../../../../fixtures/config/warned/', import.meta.url));
const valid = fileURLToPath(new URL('../../../../fixtures/config/valid/', import.meta.url));

/** The warnings of each file, as `mcgms check-config` shows them behind the name of the file. */
const manifest = JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;

/** The warnings of a file that is right; those of a gateway begin with its name. */
function warningsOf(name: string, text: string): readonly Mistake[] {
  const judged = name.startsWith('gateway')
    ? checkText(text, name, checkGatewayConfig)
    : checkText(text, name, checkConfig);
  if ('mistakes' in judged) throw new Error(`${name} has mistakes: ${JSON.stringify(judged.mistakes)}`);
  return judged.warnings;
}

describe('configuration that is lawful, but hardly meant so', () => {
  it('is judged by a manifest that knows every file', () => {
    const names = readdirSync(folder).filter((name) => name !== 'manifest.json');
    expect(Object.keys(manifest)).to.have.members(names);
  });

  for (const [name, wanted] of Object.entries(manifest)) {
    it(`${name}: every warning with its place, in order, and nothing else`, () => {
      const lines = warningsOf(name, readFileSync(folder + name, 'utf8')).map(formatWarning);
      expect(lines).to.deep.equal(wanted.map((line) => `${name}:${line}`));
    });
  }

  it('is not what the documentation shows, nor what it starts with', () => {
    expect(warningsOf('gateway.yaml', fixture('proxies/gateway.yaml'))).to.deep.equal([]);
    const smallest =
      'system: {domains: [police.example]}\nidentity: {administrators: [sip:a@police.example]}';
    expect(warningsOf('gms.yaml', smallest)).to.deep.equal([]);
  });

  it('changes no value: the same options without what is warned of give the same', () => {
    const judged = checkConfigText(
      `system: { domains: [Police.Example] }
http: { root: /xcap-root/, limits: { requestTimeout: 30000 } }
identity: { administrators: ['SIP:admin@POLICE.example'] }`,
      'gms.yaml',
    );
    const same = checkConfigText(
      `system: { domains: [police.example] }
http: { root: /xcap-root, limits: { requestTimeout: 30s } }
identity: { administrators: ['sip:admin@police.example'] }`,
      'gms.yaml',
    );
    expect(judged).to.have.property('warnings').with.lengthOf(2);
    expect(same).to.have.property('warnings').with.lengthOf(0);
    expect(judged).to.have.deep.property('config', 'config' in same ? same.config : undefined);
  });

  it('is no matter where there are mistakes: these alone are shown', () => {
    const text = readFileSync(`${folder}units.yaml`, 'utf8').replace('bodyBytes', 'bodyOctets');
    const judged = checkText(text, 'units.yaml', checkConfig);
    expect(judged).to.have.property('mistakes').with.lengthOf(1);
    expect(judged).not.to.have.property('warnings');
  });

  it('is told of in order, whatever the file', () => {
    for (const name of readdirSync(valid)) {
      const places = warningsOf(name, readFileSync(valid + name, 'utf8')).map(
        ({ line, column }) => line * 1e6 + column,
      );
      expect(places, name).to.deep.equal(places.toSorted((a, b) => a - b));
    }
  });
});
