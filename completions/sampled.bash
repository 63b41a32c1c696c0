# Completion of sampled in bash: see bash(1), Programmable Completion.

_sampled()
{
    local output line
    output=$("$1" complete bash -- "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    # What the shell completes itself.
    case $? in
        0) ;;
        3) compopt -o default; return ;;
        4) compopt -o dirnames; return ;;
        5) mapfile -t COMPREPLY < <(compgen -c -- "$2"); return ;;
        *) return ;;
    esac
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$line")
        # More of the word follows.
        [[ $line == *[/=] ]] && compopt -o nospace
    done <<<"$output"
}

complete -F _sampled sampled
