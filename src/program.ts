import { readFileSync, writeSync } from 'node:fs';
import { systemClock } from './base/clock.js';
import { ConfigurationError, describeError } from './base/errors.js';
import { logConsole } from './base/log.js';
import { systemRandom } from './base/random.js';
import { FileUnusable } from './base/system-errors.js';
import { readArguments, type Arguments } from './cli/arguments.js';
import { exitCode } from './cli/exit.js';
import { helpText } from './cli/help.js';
import { runDemo } from './cli/demo/demo.js';
import { optionsDocument } from './cli/options-document.js';
import { operate } from './cli/operate/operate.js';
import type { Log } from './base/log.js';
import { openLog } from './cli/open-log.js';
import { testPolicy } from './cli/policy-test.js';
import { serve } from './cli/serve.js';
import { serveGateway } from './cli/serve-gateway.js';
import { keepUp } from './cli/upkeep.js';
import type { Signals } from './cli/signals.js';
import { defaultConfig, describeOptions, loadConfig, type Config } from './gms/config.js';
import { formatWarning, loadFile, type Mistake } from './config/file.js';
import { formatOptions } from './config/manual.js';
import { checkGatewayConfig, describeGatewayOptions } from './gateway/config.js';
import { StoreUnusable } from './store/store.js';
import { openSchemas } from './gms/usages.js';

/** Signals, and what each command needs; everything else is a command's own business. */

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function write(text: string): void {
  process.stdout.write(text);
}

function writeError(text: string): void {
  process.stderr.write(text);
}

/** Aborted by the first SIGINT or SIGTERM; the second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

/** The signals to a program that runs on. From now on SIGHUP does not end the process. */
function signalsToServer(): Signals {
  const listeners: (() => void)[] = [];
  let hungUp = false;
  process.on('SIGHUP', () => {
    hungUp = true;
    for (const listener of listeners) listener();
  });
  return {
    stop: stopSignal(),
    onHangUp: (listener) => {
      listeners.push(listener);
      if (hungUp) listener();
    },
  };
}

/** Warnings of a configuration, which is read before there is a log. */
class Warnings {
  readonly found: Mistake[] = [];
  readonly take = (warning: Mistake): void => {
    this.found.push(warning);
  };

  /** Logs what `mcgms check-config` shows. */
  log(log: Log): void {
    for (const { file, line, column, option, message } of this.found) {
      log.warn({ place: `${file}:${line}:${column}`, option }, message);
    }
  }
}

async function configOf(call: Extract<Arguments, { command: 'serve' }>, warnings: Warnings): Promise<Config> {
  const config = call.config === undefined ? defaultConfig() : await loadConfig(call.config, warnings.take);
  return {
    ...config,
    http: { ...config.http, port: call.port ?? config.http.port },
    store: { ...config.store, folder: call.data ?? config.store.folder },
  };
}

/** Does `work`; where it finds that the configuration is wrong, the message begins with its `file`. */
async function naming<T>(file: string | undefined, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigurationError) || file === undefined) throw error;
    throw new ConfigurationError(`${file}: ${error.message}`, { cause: error });
  }
}

/** @throws ConfigurationError naming every mistake, or the first schema that does not compile */
async function checkConfigFile(file: string, warnings: Warnings): Promise<void> {
  const config = await loadConfig(file, warnings.take);
  await naming(file, () => openSchemas(config));
}

async function run(call: Arguments): Promise<number> {
  switch (call.command) {
    case 'serve': {
      const signals = signalsToServer();
      const warnings = new Warnings();
      const config = await configOf(call, warnings);
      await using opened = await openLog(config.log);
      logConsole(opened.log, () => void writeSync(2, '\n'));
      warnings.log(opened.log);
      const surroundings = { ...opened, clock: systemClock, random: systemRandom };
      const io = { write, version: version() };
      await naming(call.config, () => serve(config, surroundings, io, signals));
      return exitCode.done;
    }
    case 'gateway': {
      const signals = signalsToServer();
      const warnings = new Warnings();
      const config = await loadFile(call.config, checkGatewayConfig, warnings.take);
      await using opened = await openLog(config.log);
      warnings.log(opened.log);
      await serveGateway(config, { ...opened, random: systemRandom }, { write, version: version() }, signals);
      return exitCode.done;
    }
    case 'check-config': {
      const warnings = new Warnings();
      if (call.gateway) await loadFile(call.file, checkGatewayConfig, warnings.take);
      else await checkConfigFile(call.file, warnings);
      write(`${call.file}: nothing is wrong\n`);
      for (const warning of warnings.found) writeError(`${formatWarning(warning)}\n`);
      return exitCode.done;
    }
    case 'policy test':
      return await testPolicy(call, { write, writeError, colour: process.stdout.isTTY });
    case 'operate':
      return await operate(call.call, { write, writeError });
    case 'backup':
    case 'restore':
    case 'doctor':
      return await keepUp(call, write);
    case 'demo':
      await runDemo({ keep: call.keep, write, colour: process.stdout.isTTY }, stopSignal());
      return exitCode.done;
    case 'options':
      if (call.markdown) write(optionsDocument());
      else write(formatOptions(call.gateway ? describeGatewayOptions() : describeOptions()));
      return exitCode.done;
    case 'help':
      write(helpText);
      return exitCode.done;
    case 'version':
      write(`${version()}\n`);
      return exitCode.done;
    case 'wrong':
      process.stderr.write(`${call.message}\n`);
      return call.exitCode;
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigurationError) return exitCode.configuration;
  if (error instanceof StoreUnusable || error instanceof FileUnusable) return exitCode.unavailable;
  return exitCode.failed;
}

try {
  process.exitCode = await run(readArguments(process.argv.slice(2)));
} catch (error) {
  // Mistakes of a configuration start with their place in the file, so that editors find it.
  const prefix = error instanceof ConfigurationError ? '' : 'mcgms: ';
  const message = describeError(error);
  // Only mistakes of a configuration have a line each.
  process.stderr.write(`${prefix}${prefix === '' ? message : message.replace(/\s+/g, ' ')}\n`);
  process.exitCode = exitCodeOf(error);
}
