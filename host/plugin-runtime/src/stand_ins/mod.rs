//! What stands in for a system where a component insists on one.
//!
//! Plugins are given nothing. A language runtime asks for an environment, clocks and randomness
//! all the same, so a component that imports WASI gets answers that are fixed: the same in every
//! instance, and from no system at all. What has no answer here fails when it is called.

mod answers;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker};

use crate::LoadError;
use crate::limits::Limits;
use crate::text::fit;

/// What a component's imports are linked to: nothing where it has none.
///
/// # Errors
/// Names an import that is not of WASI.
pub(crate) fn linker(engine: &Engine, component: &Component) -> Result<Linker<Limits>, LoadError> {
    let mut linker = Linker::new(engine);
    let mut wanted = false;
    for (name, import) in component.component_type().imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(interface) if name.starts_with("wasi:") => {
                wanted = true;
                stand_in(engine, &mut linker, name, &interface).map_err(not_linked)?;
            }
            ComponentItem::ComponentInstance(interface) if is_types_alone(engine, &interface) => {}
            ComponentItem::Type(_) => {}
            _ => return Err(LoadError::Imports(fit(name))),
        }
    }
    if wanted {
        linker.define_unknown_imports_as_traps(component).map_err(not_linked)?;
    }
    Ok(linker)
}

fn stand_in(
    engine: &Engine,
    linker: &mut Linker<Limits>,
    name: &str,
    interface: &ComponentInstance,
) -> wasmtime::Result<()> {
    let mut answers = linker.instance(name)?;
    let unversioned = name.split_once('@').map_or(name, |(interface, _)| interface);
    for (function, item) in interface.exports(engine) {
        if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
            answers::define(&mut answers, unversioned, function)?;
        }
    }
    Ok(())
}

/// Whether nothing of it can be called: the types that an export is made of.
fn is_types_alone(engine: &Engine, interface: &ComponentInstance) -> bool {
    interface.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
}

fn not_linked(error: wasmtime::Error) -> LoadError {
    LoadError::Imports(fit(&format!("{error:#}")))
}
