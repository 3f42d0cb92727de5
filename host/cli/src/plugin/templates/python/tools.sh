# Fetches componentize-py into .tools, once, and has it write down in Python what wit/ says.
[ -x .tools/bin/componentize-py ] || {
    python3 -m venv .tools
    .tools/bin/pip install --quiet 'componentize-py==0.25.*'
}
rm -rf .tools/bindings
.tools/bin/componentize-py -d wit -w {{kind}}-plugin bindings .tools/bindings
