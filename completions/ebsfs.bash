# bash completion for ebsfs(1)

_ebsfs_profiles() {
    sed -n 's/^[[:space:]]*\[\(profile[[:space:]]\{1,\}\)\{0,1\}\([^]]*[^][:space:]]\)[[:space:]]*\].*/\2/p' \
        "${AWS_CONFIG_FILE:-$HOME/.aws/config}" "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" 2>/dev/null |
        grep -v '^sso-session \|^services ' | sort -u
}

# The regions of all partitions.
_ebsfs_regions=(
    af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
    ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1
    me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 cn-north-1 cn-northwest-1 eusc-de-east-1
    us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1
    us-isof-south-1)

_ebsfs() {
    local cur=${COMP_LINE:0:COMP_POINT} prev word value before list='' mapped=()
    cur=${cur##*[[:blank:]]}
    word=${cur#-o}
    prev=${COMP_LINE:0:COMP_POINT}
    prev=${prev%"$cur"}
    prev=${prev%"${prev##*[![:blank:]]}"}
    prev=${prev##*[[:blank:]]}
    compopt +o nospace 2>/dev/null
    COMPREPLY=()

    if [[ $prev != -o && $cur != -o?* ]]; then
        if [[ $cur = -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '-f -d -o --clear -h --help -V --version' -- "$cur")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        fi
        return
    fi

    # One option of a list: what stands before the last comma stays.
    value=${word##*,}
    before=${cur%"$value"}
    case $value in
    profile=*) list=$(_ebsfs_profiles) ;;
    regions=*)
        before+=${value%"${value##*[=:]}"}
        value=${value##*[=:]}
        mapfile -t mapped < <(compgen -W "${_ebsfs_regions[*]}" -- "$value")
        ;;
    signature=*) list=$'v2\nv4' ;;
    cache=*) list=none ;;
    uid=*) list=$(compgen -u) ;;
    gid=*) list=$(compgen -g) ;;
    state_dir=* | cache_dir=*)
        compopt -o nospace
        mapfile -t mapped < <(compgen -d -S / -- "${value#*=}")
        before+=${value%%=*}=
        value=
        ;;
    *=*) ;;
    *)
        # From the help, so that each version has its own: "  regions=R1:R2:…", "  delete".
        compopt -o nospace
        mapfile -t mapped < <(compgen -W "$("${1:-ebsfs}" --help 2>/dev/null |
            sed -n '/^Options after -o/,$s/^  \([a-z_]\{1,\}=\{0,1\}\).*/\1/p')" -- "$value")
        ;;
    esac
    if [ -n "$list" ]; then
        before+=${value%%=*}=
        value=${value#*=}
        local IFS=$'\n'
        mapfile -t mapped < <(compgen -W "$list" -- "$value")
    fi

    # bash replaces only what follows the last "=" or ":" of the word, where these break words.
    local typed=$cur keep=
    [[ $COMP_WORDBREAKS != *=* || $COMP_WORDBREAKS != *:* ]] || keep=${typed%"${typed##*[=:]}"}
    COMPREPLY=("${mapped[@]/#/"$before"}")
    COMPREPLY=("${COMPREPLY[@]#"$keep"}")
}

complete -F _ebsfs ebsfs mount.ebsfs
