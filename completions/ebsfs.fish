# fish completion for ebsfs(1)

function __ebsfs_profiles
    set -l config ~/.aws/config
    set -l credentials ~/.aws/credentials
    set -q AWS_CONFIG_FILE; and set config $AWS_CONFIG_FILE
    set -q AWS_SHARED_CREDENTIALS_FILE; and set credentials $AWS_SHARED_CREDENTIALS_FILE
    cat $config $credentials 2>/dev/null | string replace -rf '^\s*\[(?:profile\s+)?([^\]]*[^\]\s])\s*\].*' '$1' |
        string match -vr '^(sso-session|services) ' | sort -u
end

function __ebsfs_regions
    # The regions of all partitions.
    string split ' ' 'af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 cn-north-1 cn-northwest-1 eusc-de-east-1 us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1 us-isof-south-1'
end

# The whole list after -o, with each way to go on from its last option.
function __ebsfs_options
    set -l token (commandline -ct | string replace -r '^-o' '')
    set -l last (string split , -- $token)[-1]
    set -l before (string sub -l (math (string length -- "$token") - (string length -- "$last")) -- "$token")
    switch $last
        case 'profile=*'
            printf '%s\n' $before'profile='(__ebsfs_profiles)
        case 'regions=*'
            printf '%s\n' $before(string replace -r '[^=:]*$' '' -- $last)(__ebsfs_regions)
        case 'signature=*'
            printf '%s\n' $before'signature='{v2,v4}
        case 'cache=*'
            printf '%s\n' $before'cache=none'
        case 'uid=*'
            printf '%s\n' $before'uid='(__fish_complete_users | string replace -r '\t.*' '')
        case 'gid=*'
            printf '%s\n' $before'gid='(__fish_complete_groups | string replace -r '\t.*' '')
        case 'state_dir=*' 'cache_dir=*'
            set -l name (string replace -r '=.*' '=' -- $last)
            printf '%s\n' $before$name(__fish_complete_directories (string replace -r '^[^=]*=' '' -- $last) '' | string replace -r '\t.*' '')
        case '*=*'
        case '*'
            printf '%s\n' $before(ebsfs --help 2>/dev/null | sed -n '/^Options after -o/,$s/^  \([a-z_]\{1,\}=\{0,1\}\).*/\1/p')
    end
end

complete -c ebsfs -f -a '(__fish_complete_directories)'
complete -c ebsfs -s f -d 'Stay in the foreground'
complete -c ebsfs -s d -d 'Stay in the foreground and log each request'
complete -c ebsfs -s o -x -a '(__ebsfs_options)' -d 'Options'
complete -c ebsfs -l clear -d 'Only remove a dead mount'
complete -c ebsfs -s h -l help -d 'Print the options'
complete -c ebsfs -s V -l version -d 'Print the version'
