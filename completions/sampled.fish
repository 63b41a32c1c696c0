# Completion of sampled in fish: see complete(1).

function __sampled_complete
    set -l words (commandline -opc)
    set -l output ($words[1] complete fish -- $words[2..] (commandline -ct) 2>/dev/null)
    # What the shell completes itself.
    switch $status
        case 0
            string join -- \n $output
        case 3
            __fish_complete_path (commandline -ct)
        case 4
            __fish_complete_directories (commandline -ct)
        case 5
            __fish_complete_command
    end
end

complete -c sampled -f -a '(__sampled_complete)'
