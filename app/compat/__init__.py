"""The drop-in face: GREEN-API's paths, bodies and manners on our host, with our numbers, tokens and gates."""
