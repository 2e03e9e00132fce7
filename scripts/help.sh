# Sourced first, with the script's own arguments. --help prints the comment at the script's head, and nothing is done. What is no argument
# of the script is refused: any option but those in $options, any word where $words is "none".
help() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

refuse() { # ARGUMENT
    echo "${0##*/}: unknown argument: $1" >&2
    help >&2
    exit 2
}

for argument in "$@"; do
    case $argument in
    -h | --help) help && exit 0 ;;
    -*) case " ${options:-} " in *" $argument "*) ;; *) refuse "$argument" ;; esac ;;
    *) [ "${words:-}" != none ] || refuse "$argument" ;;
    esac
done
