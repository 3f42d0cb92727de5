# Settings from the file .env, as compose reads it: what the environment says goes before.
# Sourced, in the repository's folder.
if [ -f .env ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*}
        case "$line" in
            [A-Za-z_]*=*) ;;
            *) continue ;;
        esac
        eval "[ -n \"\${$name+set}\" ]" && continue
        value=${line#*=}
        case "$value" in
            \"*\" | \'*\') value=${value#?} && value=${value%?} ;;
        esac
        export "$name=$value"
    done <.env
fi
