"""`generate_image`, over an OpenAI-compatible service. The person gets the images, the model only words."""

from hub.domain import Json
from hub.mime import sniffed
from hub.purse import aside
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, text
from hub.tools.builtin.painting import DECENT, Wanted, billed, paint
from hub.tools.builtin.references import REFERENCES, opened
from hub.tools.generated_files import address, keep

MISSING = "The generation of images is not configured on this server (HUB_IMAGE_URL)."
SHAPES = ("square", "landscape", "portrait")


def generate_image(options: Options) -> Tool:
    properties: Json = {
        "prompt": text("What the image shows, in every detail that matters.", 10_000),
        "shape": {"type": "string", "enum": list(SHAPES), "description": "square without it."},
    }
    if options.image_results > 1:
        properties["count"] = {"type": "integer", "minimum": 1, "maximum": options.image_results}
    if options.image_references:
        properties["references"] = {
            "type": "array", "maxItems": REFERENCES, "items": text("An address or a file id."),
            "description": "Images to work from: addresses, or ids of images of this conversation.",
        }

    async def run(context: Context, arguments: Json) -> Result:
        settings = context.hub.settings
        if not settings.image_url:
            raise ToolFailed(MISSING)
        prompt = arguments["prompt"] if options.image_mature else f"{arguments['prompt']}\n\n{DECENT}"
        count = min(int(arguments.get("count") or 1), options.image_results)
        references = await opened(context, arguments.get("references") or ()) if options.image_references else ()
        wanted = Wanted(
            options, options.image_model or settings.image_model, prompt, count,
            arguments.get("shape") or SHAPES[0], references,
        )
        async with aside((), 0, settings.image_price * count, context.left):
            return await _stored(context, wanted, await paint(context, wanted))

    description = "Makes images from a description; the person gets them, you do not see them."
    return Tool("generate_image", description, schema(["prompt"], **properties), run)


async def _stored(context: Context, wanted: Wanted, images: list[bytes]) -> Result:
    kept = []
    for n, content in enumerate(images, 1):
        mime = sniffed(content)
        kept.append(await keep(context, "image", f"image-{n}.{mime.removeprefix('image/')}", mime, content))
    lines = [f"- file id {one['file_id']}: {address(context, one, hosted=False)}" for one in kept]
    made = f"Made {len(kept)} image(s); the person gets them with your answer, you do not see them."
    charged = billed(wanted.model, len(kept), context.hub.settings.image_price)
    return Result("\n".join((made, *lines)), files=tuple(kept), billed=(charged,))
