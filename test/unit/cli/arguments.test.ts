import { expect } from 'chai';
import { readArguments } from '../../../src/cli/arguments.js';
import { helpText } from '../../../src/cli/help.js';
import type { Arguments } from '../../../src/cli/arguments.js';
import type { OperatorCall } from '../../../src/cli/commands.js';

const bareServe: Arguments = { command: 'serve', config: undefined, port: undefined, data: undefined };

describe('command line', () => {
  const right: [string[], Arguments][] = [
    [['serve'], bareServe],
    [['serve', '--config', 'gms.yaml'], { ...bareServe, config: 'gms.yaml' }],
    [['serve', '--config=gms.yaml'], { ...bareServe, config: 'gms.yaml' }],
    [['serve', '--config=-odd.yaml'], { ...bareServe, config: '-odd.yaml' }],
    [['serve', '--port', '0'], { ...bareServe, port: 0 }],
    [
      ['serve', '--data', 'd', '--port=65535', '--config', 'c'],
      { ...bareServe, config: 'c', port: 65_535, data: 'd' },
    ],
    [['check-config', 'gms.yaml'], { command: 'check-config', file: 'gms.yaml', gateway: false }],
    [['check-config', '--gateway', 'gw.yaml'], { command: 'check-config', file: 'gw.yaml', gateway: true }],
    [['gateway', '--config', 'gw.yaml'], { command: 'gateway', config: 'gw.yaml' }],
    [['check-config', '--', '-gms.yaml'], { command: 'check-config', file: '-gms.yaml', gateway: false }],
    [['check-config', '--', '--help'], { command: 'check-config', file: '--help', gateway: false }],
    [
      ['policy', 'test', '--policy', 'p.xml', '--group=g.xml'],
      { command: 'policy test', policy: ['p.xml'], group: 'g.xml', system: undefined },
    ],
    [
      ['policy', 'test', '--policy', 'p', '--group', 'g', '--system', 'a', '--policy=q'],
      { command: 'policy test', policy: ['p', 'q'], group: 'g', system: 'a' },
    ],
    [['policy', '--help'], { command: 'help' }],
    [['backup', 'data', 'copy'], { command: 'backup', folder: 'data', to: 'copy' }],
    [['restore', 'copy', 'data'], { command: 'restore', backup: 'copy', folder: 'data', replace: false }],
    [
      ['restore', '--replace', 'copy', 'data'],
      { command: 'restore', backup: 'copy', folder: 'data', replace: true },
    ],
    [['doctor', 'data'], { command: 'doctor', folder: 'data' }],
    [['demo'], { command: 'demo', keep: false }],
    [['demo', '--keep'], { command: 'demo', keep: true }],
    [['options'], { command: 'options', gateway: false, markdown: false }],
    [['options', '--gateway'], { command: 'options', gateway: true, markdown: false }],
    [['options', '--markdown'], { command: 'options', gateway: false, markdown: true }],
    [['--help'], { command: 'help' }],
    [['-h'], { command: 'help' }],
    [['help'], { command: 'help' }],
    [['serve', '--help'], { command: 'help' }],
    [['--version'], { command: 'version' }],
  ];
  for (const [words, meaning] of right) {
    it(`reads mcgms ${words.join(' ')}`, () => {
      expect(readArguments(words)).to.deep.equal(meaning);
    });
  }

  const wrong: [string[], RegExp][] = [
    [[], /a command is missing/],
    [[''], /no command ""/],
    [['sevre'], /no command "sevre"; did you mean serve\?/],
    [['checkconfig', 'x'], /did you mean check-config\?/],
    [['launch'], /no command "launch"$/m],
    [['--verson'], /did you mean --version\?/],
    [['--version', 'serve'], /--version stands alone/],
    [['serve', 'gms.yaml'], /mcgms serve does not take "gms\.yaml"/],
    [['serve', '--confg', 'gms.yaml'], /no option "--confg"; did you mean --config\?/],
    [['serve', '--keep'], /mcgms serve has no option "--keep"/],
    [['serve', '-p', '1'], /mcgms serve has no option "-p"/],
    [['serve', '--config'], /--config needs a value: --config FILE/],
    [['serve', '--config', ''], /--config needs a value/],
    [['serve', '--config='], /--config needs a value/],
    [['serve', '--config', '--port', '1'], /--config needs a value/],
    [['serve', '--port', '1', '--port', '2'], /--port is given twice/],
    [['serve', '--port', '65536'], /--port must be a whole number from 0 to 65535, not "65536"/],
    [['serve', '--port', '0x50'], /--port must be/],
    [['serve', '--port', '1.5'], /--port must be/],
    [['serve', '--port=-1'], /--port must be/],
    [['serve', '--port', '\u001b[2J'], /not "\\u001b\[2J"/],
    [['serve', '--__proto__', '1'], /no option "--__proto__"/],
    [['check-config'], /mcgms check-config needs FILE/],
    [['check-config', ''], /not empty/],
    [['check-config', 'a', 'b'], /does not take "b"/],
    [['check-config', '--config', 'a'], /no option "--config"/],
    [['gateway'], /mcgms gateway needs --config FILE/],
    [['gateway', '--port', '1'], /mcgms gateway has no option "--port"/],
    [['policy'], /mcgms policy needs a second word: mcgms policy test/],
    [['policy', 'tets'], /mcgms policy needs a second word: mcgms policy test/],
    [['policy test'], /no command|needs --policy/],
    [['policy', 'test'], /mcgms policy test needs --policy FILE/],
    [['policy', 'test', '--policy', 'p'], /mcgms policy test needs --group FILE/],
    [['policy', 'test', '--group', 'g'], /mcgms policy test needs --policy FILE/],
    [['policy', 'test', '--policy', 'p', '--group', 'g', '--group', 'h'], /--group is given twice/],
    [['policy', 'test', '--policy', '--group', 'g'], /--policy needs a value/],
    [['policy', 'test', 'p.xml'], /mcgms policy test does not take "p\.xml"/],
    [['demo', '--keep=yes'], /--keep takes no value/],
    [['demo', '--no-keep'], /no option "--no-keep"; did you mean --keep\?/],
    [['demo', 'keep'], /does not take "keep"/],
    [['options', '--all'], /no option "--all"/],
  ];
  for (const [words, reason] of wrong) {
    it(`refuses ${JSON.stringify(words)}`, () => {
      const result = readArguments(words);
      expect(result).to.include({ command: 'wrong', exitCode: 64 });
      expect(result).to.have.property('message').that.matches(reason);
      expect(result)
        .to.have.property('message')
        .that.matches(/Try "mcgms --help"\.$/);
    });
  }

  const asked: OperatorCall = {
    action: 'peers',
    peer: undefined,
    group: undefined,
    config: undefined,
    server: undefined,
    as: undefined,
    json: false,
    repair: false,
  };
  const operators: [string[], OperatorCall][] = [
    [['peers'], asked],
    [['peers', 'b', '--json'], { ...asked, peer: 'b', json: true }],
    [['peers', '--config', 'a.yaml'], { ...asked, config: 'a.yaml' }],
    [
      ['verify', 'b', '--server', 'http://127.0.0.1:8080', '--as=sip:admin@police.example'],
      {
        ...asked,
        action: 'verify',
        peer: 'b',
        server: 'http://127.0.0.1:8080',
        as: 'sip:admin@police.example',
      },
    ],
    [['share', 'sip:g@a', 'b'], { ...asked, action: 'share', group: 'sip:g@a', peer: 'b' }],
    [['unshare', 'sip:g@a', 'b'], { ...asked, action: 'unshare', group: 'sip:g@a', peer: 'b' }],
    [['retry', 'b'], { ...asked, action: 'retry', peer: 'b' }],
    [['retry', 'b', 'sip:g@a'], { ...asked, action: 'retry', group: 'sip:g@a', peer: 'b' }],
    [['refetch', 'b', 'sip:g@a'], { ...asked, action: 'refetch', group: 'sip:g@a', peer: 'b' }],
    [['resend', 'b'], { ...asked, action: 'resend', peer: 'b' }],
    [['resend', 'b', 'sip:g@a'], { ...asked, action: 'resend', group: 'sip:g@a', peer: 'b' }],
    [['verify', '--repair', 'b'], { ...asked, action: 'verify', peer: 'b', repair: true }],
    [['accept-removals', 'b'], { ...asked, action: 'accept-removals', peer: 'b' }],
    [['forget', 'b'], { ...asked, action: 'forget', peer: 'b' }],
  ];
  for (const [words, call] of operators) {
    it(`reads mcgms ${words.join(' ')}`, () => {
      expect(readArguments(words)).to.deep.equal({ command: 'operate', call });
    });
  }

  for (const [words, reason] of [
    [['verify'], /mcgms verify needs PEER/],
    [['share', 'sip:g@a'], /mcgms share needs PEER/],
    [['retry', 'b', 'g', 'x'], /mcgms retry does not take "x"/],
    [['resend'], /mcgms resend needs PEER/],
    [['accept-removals', 'b', 'g'], /mcgms accept-removals does not take "g"/],
    [['forget'], /mcgms forget needs PEER/],
    [['refetch', 'b', '--repair'], /mcgms refetch has no option "--repair"/],
    [['peers', '--jsn'], /did you mean --json\?/],
    [['peers', '--server', 'localhost:8080'], /--server must be an http or https URL/],
    [['peers', '--server', 'http://a@b/'], /--server must be an http or https URL/],
    [['peers', '--server', 'http://a/?x'], /--server must be an http or https URL/],
    [['peers', '--as', ''], /--as needs a value/],
  ] as const) {
    it(`refuses ${JSON.stringify(words)} with the exit code of operators' commands`, () => {
      const result = readArguments(words);
      expect(result).to.include({ command: 'wrong', exitCode: 2 });
      expect(result).to.have.property('message').that.matches(reason);
    });
  }

  it('has a help text that names every command and option', () => {
    for (const name of [
      'serve',
      'gateway',
      'check-config',
      'policy test',
      'demo',
      'options',
      '--config',
      '--port',
      '--data',
      '--policy',
      '--group',
      '--system',
      '--keep',
      '--gateway',
      '--markdown',
      'peers',
      'verify',
      'share',
      'retry',
      'resend',
      'refetch',
      'accept-removals',
      'forget',
      '--repair',
      '--json',
      '--server',
      '--as',
    ]) {
      expect(helpText).to.match(new RegExp(`^  ${name}\\b`, 'm'));
    }
    for (const line of helpText.split('\n')) expect(line.length).to.be.at.most(100);
  });

  it('leaves the words that it was given alone', () => {
    const words = Object.freeze(['serve', '--port', '1']);
    readArguments(words);
    expect(words).to.deep.equal(['serve', '--port', '1']);
  });
});
