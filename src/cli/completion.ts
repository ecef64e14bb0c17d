/** `etl3 completion`: a script that has a shell complete commands and flags. */
import { Argument, type Command } from 'commander'
import { completionScript, SHELLS } from './completion-scripts.js'
import type { CliShell } from './shell.js'

const DESCRIPTION = `Prints a script that has a shell complete the commands and flags of etl3. For this session:
  bash  source <(etl3 completion bash)
  zsh   source <(etl3 completion zsh)
  fish  etl3 completion fish | source
For every session, write it where the shell looks: see the examples.`

/** Adds `etl3 completion`; the script knows the commands that `program` has when it is printed. */
export function registerCompletion(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    description: DESCRIPTION,
    formats: ['text'],
    examples: [
      {
        call: 'etl3 completion bash > ~/.local/share/bash-completion/completions/etl3',
        purpose: 'bash, with the package bash-completion',
      },
      { call: 'etl3 completion zsh > ~/.zfunc/_etl3', purpose: 'zsh, with ~/.zfunc in fpath before compinit' },
      { call: 'etl3 completion fish > ~/.config/fish/completions/etl3.fish', purpose: 'fish' },
    ],
  })
  command.addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
  shell.action(command, async (call) => {
    const name = SHELLS.find((one) => one === call.args[0])
    if (name === undefined) throw new Error('commander let another shell through')
    call.io.stdout.write(completionScript(name, program))
  })
}
